# SPDX-License-Identifier: Apache-2.0
"""Print the n-th command block of README.md (```bash fences), so that CI runs what the README says."""

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"

blocks = re.findall(r"^```bash\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
print(blocks[int(sys.argv[1])].strip())
