import pytest
import torch

from core.device import default_device, describe, devices


def test_the_cpu_is_always_there_and_says_its_threads():
    assert devices()[-1] == torch.device("cpu")
    assert describe(torch.device("cpu")) == "CPU, 1 thread"


def test_threads_are_counted_in_words(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert describe(torch.device("cpu")) == "CPU, 3 threads"


def test_without_a_gpu_the_cpu_is_chosen(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert devices() == (torch.device("cpu"),)
    assert default_device() == torch.device("cpu")


def test_the_first_gpu_is_chosen_and_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    names = {torch.device("cuda", 0): "NVIDIA A", torch.device("cuda", 1): "NVIDIA B"}
    monkeypatch.setattr(torch.cuda, "get_device_name", names.__getitem__)
    assert default_device() == torch.device("cuda", 0)
    assert [describe(device) for device in devices()] == ["NVIDIA A", "NVIDIA B", "CPU, 1 thread"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_real_gpu_says_its_name():
    assert describe(default_device()) == torch.cuda.get_device_name(0)
