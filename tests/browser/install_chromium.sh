#!/bin/sh
# The browser tests need a Chromium: find one, or install Debian's package (with fonts for many scripts).
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null && exit 0
done
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji >/dev/null
else
    echo "The browser tests need Chromium. Install it (Debian: sudo apt-get install chromium) and run again." >&2
    exit 1
fi
