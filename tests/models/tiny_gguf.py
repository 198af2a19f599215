"""Writes the smallest llama that llama.cpp loads; whatever it is asked, it says `a` again and again.

The format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.
"""

import struct
from pathlib import Path

_WIDTH = 32
_TOKENS = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
_A = 3 + ord("a")
_KINDS = [2, 3, 3, *([6] * 256)]  # unknown, control, control, bytes
_UINT, _INT, _FLOAT, _STRING, _ARRAY = 4, 5, 6, 8, 9
_ALIGNMENT = 32


def write_tiny_gguf(path: Path) -> Path:
    fields = [
        _field("general.architecture", _STRING, _string("llama")),
        _field("tokenizer.ggml.model", _STRING, _string("llama")),
        _array("tokenizer.ggml.tokens", _STRING, [_string(token) for token in _TOKENS]),
        _array("tokenizer.ggml.scores", _FLOAT, [struct.pack("<f", 0)] * len(_TOKENS)),
        _array("tokenizer.ggml.token_type", _INT, [struct.pack("<i", kind) for kind in _KINDS]),
        _field("llama.attention.layer_norm_rms_epsilon", _FLOAT, struct.pack("<f", 1e-5)),
        *(
            _field(f"llama.{name}", _UINT, struct.pack("<I", value))
            for name, value in _SHAPE.items()
        ),
    ]
    directory, data = b"", b""
    for name, shape, values in _tensors():
        sizes = struct.pack(f"<{len(shape)}Q", *shape)
        directory += _string(name) + struct.pack("<I", len(shape)) + sizes
        directory += struct.pack("<IQ", 0, len(data))
        data += struct.pack(f"<{len(values)}f", *values)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(_tensors()), len(fields))
    head += b"".join(fields) + directory
    path.write_bytes(head + b"\0" * (-len(head) % _ALIGNMENT) + data)
    return path


_SHAPE = {
    "context_length": 4096,
    "embedding_length": _WIDTH,
    "block_count": 1,
    "feed_forward_length": _WIDTH,
    "attention.head_count": 1,
    "attention.head_count_kv": 1,
    "rope.dimension_count": _WIDTH,
}


def _tensors() -> list[tuple[str, tuple[int, ...], list[float]]]:
    vocabulary = (_WIDTH, len(_TOKENS))
    only_a = [float(token == _A) for token in range(len(_TOKENS)) for _ in range(_WIDTH)]
    square = (_WIDTH, _WIDTH)
    silent = [0.0] * _WIDTH**2  # the block adds nothing, so every token looks the same
    layers = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    norms = ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm")
    return [
        ("token_embd.weight", vocabulary, [1.0] * (_WIDTH * len(_TOKENS))),
        ("output.weight", vocabulary, only_a),
        *((f"{norm}.weight", (_WIDTH,), [1.0] * _WIDTH) for norm in norms),
        *((f"blk.0.{layer}.weight", square, silent) for layer in layers),
    ]


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _field(key: str, kind: int, value: bytes) -> bytes:
    return _string(key) + struct.pack("<I", kind) + value


def _array(key: str, kind: int, values: list[bytes]) -> bytes:
    return _field(key, _ARRAY, struct.pack("<IQ", kind, len(values)) + b"".join(values))
