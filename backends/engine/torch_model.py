# SPDX-License-Identifier: Apache-2.0
"""A model folder loaded by transformers, computed on batches of tokens from several sequences.

The tokens of all sequences of a batch go through the weights as one row, so the weights are read once; only attention
looks at each sequence alone, with the keys and values of ``torch_cache``. There is no padding, and what a sequence
gives does not depend on the lengths of the others.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

# Nothing is looked up anywhere: what is not in the folder is not there.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import torch
import transformers
from torch import Tensor
from torch.nn import functional
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from backends.engine.machine import physical_memory
from backends.engine.torch_cache import CacheShape, SequenceCache
from backends.errors import BackendError, InvalidRequest, ModelInvalid, OutOfMemory
from backends.safetensors_folder import ModelFolder
from backends.types import ModelSettings

log = logging.getLogger(__name__)

VERSIONS = f"torch {torch.__version__} transformers {transformers.__version__}"
_ATTENTION = "longhand"
_MEMORY_SHARE = 0.9
_ROTATIONS = ("default", "linear", "llama3", "yarn")
_STORED = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


class Interrupted(Exception):
    """The computation was stopped; nothing of it counts."""


@dataclass(slots=True)
class _Part:
    """The tokens ``start`` to ``end`` of a batch belong to one sequence, behind ``past`` others."""

    start: int
    end: int
    past: int
    data: Tensor
    mask: Tensor | None = None
    masked_window: int = -1


@dataclass(slots=True)
class _Packed:
    """What attention has to know about a batch."""

    parts: list[_Part]
    stopped: Callable[[], bool]


def choose_device(settings: ModelSettings) -> torch.device:
    """Return the device to compute on: as set, else the best there is. Raises BackendError for one that is not here."""
    name = "cpu" if settings.gpu_layers == 0 else settings.device.lower()
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if not name:
        return torch.device(next(each for each, available in here.items() if available))
    kind, _, number = name.partition(":")
    known = here.get(kind, False) and (not number or number.isdecimal())
    if not known or (kind == "cuda" and int(number or 0) >= torch.cuda.device_count()):
        raise BackendError(f"There is no device {settings.device!r} here.", hint="Leave --device out, or say cpu.")
    return torch.device(name)


def choose_dtype(folder: ModelFolder, device: torch.device, memory: int) -> torch.dtype:
    """Return the numbers to compute with: the stored ones, or on a processor those that it multiplies well.

    ``memory`` is the machine's in bytes, 0 where unknown. Raises OutOfMemory where the weights do not fit into it.
    """
    stored = _STORED[folder.weight_kind]
    if device.type != "cpu":
        return stored
    room = memory * _MEMORY_SHARE if memory else float("inf")
    fast = stored is torch.bfloat16 and torch.cpu._is_avx512_bf16_supported()  # no public name yet
    if not fast and folder.parameters * 4 <= room:
        return torch.float32
    if folder.parameters * 2 > room:
        raise OutOfMemory(f"The model {folder.path} needs about {folder.parameters * 2 >> 20:,} MiB of memory.")
    return torch.bfloat16


class TorchModel:
    """The weights, and the sizes of what they compute. Raises ModelInvalid and OutOfMemory."""

    def __init__(self, folder: ModelFolder, settings: ModelSettings) -> None:
        self.device = choose_device(settings)
        self.dtype = choose_dtype(folder, self.device, physical_memory())
        self._model = _load(folder, self.dtype, self.device)
        config: Any = self._model.config
        self.layers: int = config.num_hidden_layers
        self.trained_context: int = config.max_position_embeddings
        self.sliding_window = _window(config)
        head_size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self.cache_shape = CacheShape(self.layers, config.num_key_value_heads, head_size, self.dtype, self.device)
        self.vocabulary_size: int = config.vocab_size

    def compute(
        self,
        cache: SequenceCache,
        tokens: Sequence[int],
        counts: Sequence[tuple[int, int]],
        wanted: Sequence[int],
        stopped: Callable[[], bool],
    ) -> Tensor:
        """Append tokens to sequences and return the logits (wanted, vocabulary) of some of them, in single precision.

        ``counts`` says, in the order of ``tokens``, how many belong to which sequence. Raises Interrupted as soon as
        ``stopped`` says so, OutOfMemory, and ContextOverflow where the cache has no room; the sequences then hold what
        they held before.
        """
        try:
            return self._compute(cache, tokens, counts, wanted, stopped)
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(f"There is no memory to compute {len(tokens)} tokens.") from error
        finally:
            cache.withdraw()

    @torch.inference_mode()
    def _compute(
        self,
        cache: SequenceCache,
        tokens: Sequence[int],
        counts: Sequence[tuple[int, int]],
        wanted: Sequence[int],
        stopped: Callable[[], bool],
    ) -> Tensor:
        parts: list[_Part] = []
        positions: list[int] = []
        for sequence, count in counts:
            past = cache.lengths[sequence]
            data = cache.extend(sequence, count)
            parts.append(_Part(len(positions), len(positions) + count, past, data))
            positions += range(past, past + count)
        logits = self._model(
            input_ids=torch.tensor([tokens], device=self.device),
            position_ids=torch.tensor([positions], device=self.device),
            use_cache=False,
            logits_to_keep=torch.tensor(wanted, dtype=torch.long, device=self.device),
            packed=_Packed(parts, stopped),
        ).logits[0]
        values = logits.float().cpu()
        for sequence, _ in counts:
            cache.commit(sequence)
        return values


def _load(folder: ModelFolder, dtype: torch.dtype, device: torch.device) -> Any:
    """Load the weights, every one of them; nothing of the folder is run."""
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    ALL_ATTENTION_FUNCTIONS.register(_ATTENTION, _attend)
    safe = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(folder.path, **safe)
        _check_rotation(folder, config)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder.path,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            attn_implementation=_ATTENTION,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
            **safe,
        )
        model, loading = loaded
        wrong = sorted(loading["missing_keys"]) or sorted(each[0] for each in loading["mismatched_keys"])
        if wrong:
            raise ModelInvalid(f"The model {folder.path} is incomplete: {wrong[0]} is missing or of another shape.")
        return model.eval().to(device)
    except BackendError:
        raise
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemory(f"There is no memory for the model {folder.path}.") from error
    except Exception as error:  # what transformers raises about a folder is of any class
        reason = " ".join(str(error).split())[:300]
        raise ModelInvalid(f"The model {folder.path} cannot be loaded: {reason}.") from error


def _check_rotation(folder: ModelFolder, config: Any) -> None:
    """Refuse positions that are rotated otherwise in a longer text: what is in the cache would become wrong."""
    rotation = getattr(config, "rope_parameters", None) or {}
    kind = rotation.get("rope_type", "default")
    if kind not in _ROTATIONS:
        raise ModelInvalid(
            f"The model {folder.path} stretches its context in the way {kind!r}, which is not served.",
            hint="Choose a GGUF file of this model.",
        )


def _window(config: Any) -> int:
    """Return how many tokens the narrowest layer sees, 0 where all see everything."""
    kinds = getattr(config, "layer_types", None)
    if kinds is not None and "sliding_attention" not in kinds:
        return 0
    return int(getattr(config, "sliding_window", None) or 0)


def _attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    packed: _Packed | None = None,
    **_others: Any,
) -> tuple[Tensor, None]:
    """Attention of (1, heads, tokens, head size), as transformers calls it; each sequence sees only itself."""
    if packed is None:
        raise InvalidRequest("Attention without sequences.")
    if packed.stopped():
        raise Interrupted
    layer = module.layer_idx
    mixed = [_attend_part(part, layer, query, key, value, scaling, sliding_window or 0) for part in packed.parts]
    joined = mixed[0] if len(mixed) == 1 else torch.cat(mixed, dim=2)
    return joined.transpose(1, 2), None


def _attend_part(
    part: _Part, layer: int, query: Tensor, key: Tensor, value: Tensor, scaling: float | None, window: int
) -> Tensor:
    """Store the keys and values of one sequence and attend to all that it has."""
    count, total = part.end - part.start, part.past + part.end - part.start
    keys, values = part.data[layer, 0], part.data[layer, 1]
    if query.shape[2] > count:
        query = query[:, :, part.start : part.end]
        key, value = key[:, :, part.start : part.end], value[:, :, part.start : part.end]
    keys[:, part.past : total] = key[0]
    values[:, part.past : total] = value[0]
    first = max(0, total - window) if window and count == 1 else 0
    held_keys, held_values = keys[None, :, first:total], values[None, :, first:total]
    if count == 1:
        # The heads that share keys become the tokens of one head: nothing is masked, and nothing repeated.
        shared = query.view(1, keys.shape[0], -1, query.shape[3])
        mixed = functional.scaled_dot_product_attention(shared, held_keys, held_values, scale=scaling)
        return mixed.reshape(1, -1, 1, mixed.shape[3])
    if not part.past and not window:
        return functional.scaled_dot_product_attention(
            query, held_keys, held_values, is_causal=True, scale=scaling, enable_gqa=True
        )
    if query.is_cuda:
        # With a mask and shared keys CUDA has only the way that stores all scores.
        group = query.shape[1] // keys.shape[0]
        held_keys, held_values = (each.repeat_interleave(group, dim=1) for each in (held_keys, held_values))
    return functional.scaled_dot_product_attention(
        query, held_keys, held_values, attn_mask=_mask(part, window), scale=scaling, enable_gqa=not query.is_cuda
    )


def _mask(part: _Part, window: int) -> Tensor:
    """Return which tokens of a sequence (keys) those of the batch (queries) see; made once for all layers."""
    if part.mask is None or part.masked_window != window:
        total = part.past + part.end - part.start
        seen = torch.arange(total, device=part.data.device)
        own = torch.arange(part.past, total, device=part.data.device)[:, None]
        part.mask = (seen <= own) if not window else (seen <= own) & (seen > own - window)
        part.masked_window = window
    return part.mask
