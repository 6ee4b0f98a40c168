"""Where tensors are computed, and what to call it on screen."""

from __future__ import annotations

import torch


def default_device() -> torch.device:
    """Choose the first GPU where there is one, else the CPU."""
    return devices()[0]


def devices() -> tuple[torch.device, ...]:
    """List what PyTorch can compute on here: GPUs first, the CPU always last."""
    gpus = [torch.device("cuda", number) for number in range(torch.cuda.device_count())]
    return (*gpus, torch.device("cpu"))


def describe(device: torch.device) -> str:
    """Name a device for a reader: "NVIDIA H200", "CPU, 1 thread"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    n_threads = torch.get_num_threads()
    return f"CPU, {n_threads} thread{'s' if n_threads > 1 else ''}"
