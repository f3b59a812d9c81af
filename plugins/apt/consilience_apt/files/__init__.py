"""From files to ions: formats, ranges, checks, and blocks of ions wherever they lie."""
