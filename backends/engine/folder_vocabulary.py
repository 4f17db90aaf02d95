# SPDX-License-Identifier: Apache-2.0
"""The vocabulary of a model folder: its tokenizer.json, and what stands beside it about the beginning and the end."""

from __future__ import annotations

import json
import re
from typing import Any

from tokenizers import Tokenizer

from backends.errors import InvalidRequest, ModelInvalid
from backends.safetensors_folder import ModelFolder, read_description

# Tokens that end an answer, by the names that they have everywhere (as llama.cpp knows them).
_ENDS = frozenset(
    {"<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>"}
    | {"<|return|>", "<EOT>", "_<EOT>"}
)
_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")
_SPACE = "\u2581"


class FolderVocabulary:
    """Tokens and their bytes. Raises ModelInvalid where the folder has no tokenizer that can be read."""

    def __init__(self, folder: ModelFolder) -> None:
        path = folder.path / "tokenizer.json"
        if not path.is_file():
            raise ModelInvalid(f"The model {folder.path} has no tokenizer.json.", hint="Get the folder whole.")
        described = read_description(path)
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises the bare class
            raise ModelInvalid(f"The file {path} is no tokenizer that can be read: {error}.") from error
        # What is written in a text is text, also where it looks like a control token.
        self._tokenizer.encode_special_tokens = True
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.size = folder.number("vocab_size")
        self._added: dict[int, dict[str, Any]] = {
            each["id"]: each for each in described.get("added_tokens") or [] if 0 <= each["id"] < self.size
        }
        self.pieces = self._read_pieces(_spelling(described.get("decoder")), folder)
        named = read_description(folder.path / "tokenizer_config.json", required=False)
        self.begin_text, self.end_text = (_name(named.get(key)) for key in ("bos_token", "eos_token"))
        self.begin = self._beginning()
        self.ends = self._endings(folder)

    def tokenize(self, text: str) -> list[int]:
        """Return the tokens of plain text; nothing in it is taken for a control token."""
        tokens = self._tokenizer.encode(text.encode("utf-8", "replace").decode(), add_special_tokens=False).ids
        if any(token >= self.size for token in tokens):
            raise InvalidRequest("The tokenizer knows more tokens than the model.")
        return tokens

    @property
    def control(self) -> dict[str, tuple[int, bool, bool]]:
        """Id by text of the tokens that no text contains, and whether they eat white space left and right."""
        return {
            each["content"]: (token, bool(each.get("lstrip")), bool(each.get("rstrip")))
            for token, each in self._added.items()
            if each.get("special")
        }

    def _read_pieces(self, spelling: str, folder: ModelFolder) -> list[bytes]:
        """Return the bytes of every token; control tokens and those that the model knows alone have none."""
        pieces = [b""] * self.size
        alphabet = _byte_alphabet()
        for text, token in self._tokenizer.get_vocab(with_added_tokens=True).items():
            if token >= self.size:
                continue
            if token in self._added:
                pieces[token] = b"" if self._added[token].get("special") else text.encode()
            elif spelling == "bytes":
                pieces[token] = bytes(alphabet.get(character, 0x3F) for character in text)
            elif spelling == "spaces":
                byte = _BYTE_TOKEN.fullmatch(text)
                pieces[token] = bytes([int(byte[1], 16)]) if byte else text.replace(_SPACE, " ").encode()
            else:
                raise ModelInvalid(f"The tokenizer of {folder.path} writes its tokens in a way that is not read.")
        return pieces

    def _beginning(self) -> int:
        """Return the token that the tokenizer puts in front of every text, -1 for none."""
        tokens = self._tokenizer.encode("a", add_special_tokens=True).ids
        plain = self._tokenizer.encode("a", add_special_tokens=False).ids
        return tokens[0] if len(tokens) > len(plain) and tokens[0] != plain[0] else -1

    def _endings(self, folder: ModelFolder) -> frozenset[int]:
        generation = read_description(folder.path / "generation_config.json", required=False)
        ends: set[int] = set()
        for value in (folder.config.get("eos_token_id"), generation.get("eos_token_id")):
            ends |= {each for each in (value if isinstance(value, list) else [value]) if type(each) is int}
        ends |= {token for text, (token, _, _) in self.control.items() if text in _ENDS or text == self.end_text}
        return frozenset(token for token in ends if 0 <= token < self.size)


def _spelling(decoder: Any) -> str:
    """Return how tokens are spelled: one character a byte, or text with a mark for the space; empty for neither."""
    kinds = json.dumps(decoder)
    if '"ByteLevel"' in kinds:
        return "bytes"
    return "spaces" if '"ByteFallback"' in kinds or '"Metaspace"' in kinds else ""


def _name(token: Any) -> str:
    """Return the text of a token that is named by it or by an object with it."""
    text = token.get("content") if isinstance(token, dict) else token
    return text if isinstance(text, str) else ""


def _byte_alphabet() -> dict[str, int]:
    """Return the byte for each printable character that GPT-2's vocabulary writes in its place."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + number): byte for number, byte in enumerate(others)}
