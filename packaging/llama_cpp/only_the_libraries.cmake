# SPDX-License-Identifier: Apache-2.0
# Given as CMAKE_PROJECT_llama_cpp_INCLUDE when llama-cpp-python is built for a package. The binding asks for llama.cpp's
# "common" library, which only llama.cpp's own programs use; a variable beats its cache entry (policies CMP0077, CMP0126).
set(LLAMA_BUILD_COMMON OFF)
