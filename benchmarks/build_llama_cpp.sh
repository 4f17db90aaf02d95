#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds llama-bench, llama-server and llama-batched-bench into benchmarks/llama.cpp/bin: what Longhand is compared with.
#
# The source is the llama.cpp inside the sdist of the llama-cpp-python that is installed, and the tools are linked with
# the native libraries of that installation. So both sides run the same machine code, built with the same flags, and
# differ only in what drives it; a CUDA, Vulkan or Metal build of llama-cpp-python gives tools on the same device.
#
#   benchmarks/build_llama_cpp.sh [PYTHON]        PYTHON: the interpreter of the environment, default .venv/bin/python
set -euo pipefail
cd "$(dirname "$0")"
python=${1:-../.venv/bin/python}
case $python in */*) python=$(realpath -s "$python") ;; esac
mkdir -p llama.cpp
cd llama.cpp

version=$("$python" -c 'from importlib.metadata import version; print(version("llama-cpp-python"))')
libraries=$("$python" -c 'import importlib.util as u; print(u.find_spec("llama_cpp").submodule_search_locations[0])')/lib

if [ ! -d "$version" ]; then
    "$python" -m pip download -q --no-deps --no-binary llama-cpp-python "llama-cpp-python==$version"
    rm -rf unpacked && mkdir unpacked
    tar -xzf llama_cpp_python-"$version".tar.gz -C unpacked --strip-components=1
    mv unpacked "$version"
fi
source=$PWD/$version/vendor/llama.cpp

# Imported instead of built: the libraries of the installation.
imported() {
    local library=("$libraries/lib$1".*)
    printf 'add_library(%s SHARED IMPORTED GLOBAL)\n' "$1"
    printf 'set_target_properties(%s PROPERTIES IMPORTED_LOCATION "%s" INTERFACE_INCLUDE_DIRECTORIES "%s")\n' \
        "$1" "${library[0]}" "$source/include;$source/ggml/include;$source/tools/mtmd"
    [ $# = 1 ] || printf 'target_link_libraries(%s INTERFACE %s)\n' "$1" "${*:2}"
}
{ imported ggml-base; imported ggml-cpu ggml-base; imported ggml ggml-cpu ggml-base; } > "$source/ggml/CMakeLists.txt"
imported llama ggml > "$source/src/CMakeLists.txt"
imported mtmd llama > "$source/tools/mtmd/CMakeLists.txt"
# What is imported cannot be installed.
sed -i '/^# install$/,$d' "$source/CMakeLists.txt"

cmake -S "$source" -B build -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DLLAMA_BUILD_APP=OFF \
    -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_OPENSSL=OFF \
    -DCMAKE_BUILD_RPATH="$libraries" > configure.log
cmake --build build --parallel "$(nproc)" --target llama-bench llama-server llama-batched-bench
ln -sfn build/bin bin
