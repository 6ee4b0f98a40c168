"""The widgets of the lesson on sequential cost; a widget's key is its name in the address."""

from __future__ import annotations

import streamlit as st

from pages.ui.cached import sequential_cost as cached
from pages.ui.text import quoted


def width() -> int:
    """Ask how wide the vector of a token is."""
    chosen = st.segmented_control(
        "Width of a token, $d$",
        (64, 128, 256),
        default=64,
        required=True,
        key="cost_width",
        bind="query-params",
    )
    return chosen or 64  # an address may leave it empty


def setting(width: int) -> cached.Setting:
    """Ask what to measure, and on what; a device only where there is more than one."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        batch = st.segmented_control(
            "Sequences at once",
            (1, 4, 16),
            default=1,
            required=True,
            key="cost_batch",
            bind="query-params",
        )
        devices = cached.devices()
        device = "cpu"
        if len(devices) > 1:
            device = st.selectbox(
                "Device",
                devices,
                key="cost_device",
                bind="query-params",
                width=160,
            )
    return cached.Setting(device, width, batch or 1)


def measure(setting: cached.Setting) -> bool:
    """Offer to measure, or to stop; True while a measurement of this setting is looked at."""
    if cached.watched(setting):
        st.button(
            "Stop",
            icon=":material/stop:",
            key="cost-stop",
            on_click=cached.stop,
            args=(setting,),
        )
        return True
    st.button(
        "Measure on this server now",
        icon=":material/timer:",
        key="cost-start",
        on_click=cached.start,
        args=(setting,),
        help="At most a minute; everybody who asks for the same shares one measurement.",
    )
    return False


def progress(setting: cached.Setting, was_running: bool) -> None:
    """Show how far a measurement is; when it has ended, draw the page anew, at rest."""
    running = cached.watched(setting)
    if running is None:
        if was_running:
            st.rerun()
        return
    if running.started is None:
        others = cached.measurements().n_running() - 1
        st.progress(0.0, f"Waiting for {others} other measurement{'s'[: others > 1]} to end")
    elif running.setup is None:
        st.progress(0.0, "Starting PyTorch in a process of its own")
    else:
        st.progress(
            min(running.share, 1.0),
            f"Measuring on {running.setup.device}: about {running.seconds_left:.0f} s left",
        )


def source(setting: cached.Setting) -> None:
    """Say where and when the timings were taken, and what went wrong, if anything did."""
    measured, is_own = cached.measured(setting)
    failure = cached.failure(setting)
    if failure:
        st.warning(f"The measurement broke off: {quoted(failure[:200])}")
    if measured is None:
        st.info("Nobody has measured this setting here yet; below is what can be counted.")
        return
    setup = measured.setup
    when = (
        f":material/timer: Measured on this server, {setup.date}"
        if is_own
        else f":material/history: Recorded on {setup.date}, not now"
    )
    st.caption(
        f"{when}. {setup.processor}: {setup.device}, {setup.clock}, "
        f"PyTorch {setup.torch.partition('+')[0]}."
    )
