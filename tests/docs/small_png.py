"""A picture as a PNG with a palette: a third of what Chromium writes, and nobody sees the difference in a page of text.

Chromium reads the picture and chooses the colors, so that no library for pictures is needed.
"""

from __future__ import annotations

import base64
import struct
import zlib

from playwright.sync_api import Page

COLORS = 32
"""A page has few colors, and the many between a letter and its background. Of those, one in a few is enough."""

_REDUCE = """
async ([picture, most]) => {
  const image = new Image();
  image.src = "data:image/png;base64," + picture;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);

  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const parts = (color) => [color & 255, (color >> 8) & 255, (color >> 16) & 255, color >>> 24];
  const apart = (one, other) => one.reduce((sum, part, place) => sum + (part - other[place]) ** 2, 0);
  const colors = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([color]) => [color, parts(color)]);
  // The most frequent color first, then again and again the one that those chosen so far would show worst.
  const palette = [colors[0][1]];
  const nearest = (itsParts) => Math.min(...palette.map((chosen) => apart(chosen, itsParts)));
  const error = ([color, itsParts]) => nearest(itsParts) * Math.sqrt(counts.get(color));
  while (palette.length < Math.min(most, colors.length)) {
    palette.push(colors.reduce((worst, color) => (error(color) > error(worst) ? color : worst))[1]);
  }
  const places = new Map(colors.map(([color, itsParts]) => {
    const distances = palette.map((chosen) => apart(chosen, itsParts));
    return [color, distances.indexOf(Math.min(...distances))];
  }));
  let text = "";
  for (const pixel of pixels) text += String.fromCharCode(places.get(pixel));
  return [canvas.width, canvas.height, palette, btoa(text)];
}
"""


def with_palette(page: Page, picture: bytes, *, colors: int = COLORS) -> bytes:
    """``picture``, a PNG, with at most ``colors`` colors. ``page`` is a blank one."""
    found = page.evaluate(_REDUCE, [base64.b64encode(picture).decode(), colors])
    width, height, palette, places = found[0], found[1], found[2], base64.b64decode(found[3])
    rows = b"".join(b"\0" + places[start : start + width] for start in range(0, width * height, width))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", b"".join(bytes(color[:3]) for color in palette)),
            _chunk(b"tRNS", bytes(color[3] for color in palette)),
            _chunk(b"IDAT", zlib.compress(rows, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
