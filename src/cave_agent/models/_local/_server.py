"""The process in which `LocalModel` runs llama.cpp's server: a script that imports nothing of ours.

It is a process of its own because loading a model holds the interpreter's lock for seconds, and
stopping a busy server holds it until the reply is done. It reads its settings as a line of
JSON, answers with one, and serves until its standard input ends: with its owner, however that ends.
"""

import importlib
import json
import os
import signal
import sys
from typing import Any

_SILENT = -1
_PROMPT_CACHE_MIB = 1024


def serve(settings: dict[str, Any]) -> Any:
    """A running server; it stops when it is collected."""
    llama: Any = importlib.import_module("xllamacpp")
    params = llama.CommonParams()
    params.model.path = settings["path"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0  # any that is free
    params.api_keys = [settings["key"]]
    params.cors_origins = ""  # no web page has business here
    params.ui = False
    params.n_ctx = settings["context_size"]
    params.n_parallel = 1
    params.cpuparams.n_threads = settings["generation_threads"]
    params.cpuparams_batch.n_threads = settings["prompt_threads"]
    params.cache_prompt = True
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    params.verbosity = _SILENT
    return llama.Server(params)


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the owner's to act on
    owner = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever llama.cpp prints is no answer
    settings = json.loads(sys.stdin.readline())
    try:
        server = serve(settings)
    except RuntimeError as error:
        print(json.dumps({"error": str(error)}), file=owner, flush=True)
        return
    print(json.dumps({"address": server.listening_address}), file=owner, flush=True)
    sys.stdin.read()
    os._exit(0)  # not by collecting the server, which would wait for a reply that nobody reads


if __name__ == "__main__":
    main()
