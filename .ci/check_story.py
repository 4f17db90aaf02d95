# SPDX-License-Identifier: Apache-2.0
"""Check a written document: its length within 3 % of the target, every section ending on a sentence."""

import sys
from pathlib import Path

from backends.text.counting import count_words
from backends.text.segmentation import ends_sentence

path, target = Path(sys.argv[1]), int(sys.argv[2])
text = path.read_text(encoding="utf-8")
words = count_words(text)
sections = [part.strip() for part in text.split("\n#")]
bodies = [body for part in sections if (body := part.partition("\n")[2].strip())]
print(f"{path}: {words} words of {target}, {len(bodies)} sections")
assert abs(words - target) <= 0.03 * target, "the length is not the length asked for"
assert all(ends_sentence(body) for body in bodies), "a section does not end on a sentence"
