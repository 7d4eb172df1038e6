"""Decodes a picture that a stranger made, and writes it anew in three sizes. sandbox.py runs it as a process with
limits.

Reads the picture from standard input. Writes a line of JSON, {"width", "height", "lengths": [small, medium, large]} and
then the three WebP files, or {"problem": code} alone. What is written is made of pixels only: no EXIF, no comments, and
nothing of what stood behind or between the picture's data.
"""

import io
import json
import resource
import sys
import warnings
from typing import Any

CPU_SECONDS = 10
MEMORY_BYTES = 1024 * 1024 * 1024
MAX_PIXELS = 40_000_000
MAX_SIDE = 12_000
LONGEST_SIDES = (320, 800, 1600)  # pixels; a smaller picture is not enlarged
QUALITY = 80
TOO_LARGE, NOT_A_PICTURE = "picture_too_large", "not_a_picture"


def decode(content: bytes, format_: str) -> Any:
    """The upright picture in sRGB, of at least the largest size. Raises ValueError with the code of the problem."""
    from PIL import Image, ImageOps  # imported after the limits are set

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        picture = Image.open(io.BytesIO(content), formats=[format_])
        if max(picture.size) > MAX_SIDE or picture.width * picture.height > MAX_PIXELS:
            raise ValueError(TOO_LARGE)
        picture.draft("RGB", (2 * LONGEST_SIDES[-1],) * 2)  # a JPEG is decoded at the size that is needed
        picture.load()
        upright = ImageOps.exif_transpose(picture)
        return _in_srgb(upright, picture.info.get("icc_profile"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise ValueError(TOO_LARGE) from error
    except (OSError, SyntaxError, EOFError, TypeError, KeyError, IndexError, OverflowError, AttributeError) as error:
        raise ValueError(NOT_A_PICTURE) from error


def _in_srgb(picture: Any, profile: bytes | None) -> Any:
    from PIL import ImageCms

    transparent = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    mode = "RGBA" if transparent else "RGB"
    if profile and picture.mode in ("RGB", "RGBA"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode=picture.mode)
        except (ImageCms.PyCMSError, OSError):
            pass  # a profile that cannot be read: as if there were none
    return picture.convert(mode)


def encode(picture: Any) -> tuple[dict[str, Any], list[bytes]]:
    from PIL import Image

    files = []
    size = picture.size
    for side in LONGEST_SIDES:
        smaller = Image.new(picture.mode, picture.size)  # a new picture has pixels and nothing else
        smaller.paste(picture)
        smaller.thumbnail((side, side), Image.Resampling.LANCZOS)
        size = smaller.size
        file = io.BytesIO()
        smaller.save(file, "WEBP", quality=QUALITY, method=4)
        files.append(file.getvalue())
    return {"width": size[0], "height": size[1], "lengths": [len(file) for file in files]}, files


def main() -> None:
    format_, cpu_seconds = sys.argv[1], int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes no files
    try:
        header, files = encode(decode(sys.stdin.buffer.read(), format_))
    except ValueError as problem:
        code = str(problem)
        header, files = {"problem": code if code == TOO_LARGE else NOT_A_PICTURE}, []
    except MemoryError:
        header, files = {"problem": TOO_LARGE}, []
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n" + b"".join(files))


if __name__ == "__main__":
    main()
