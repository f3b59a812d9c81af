"""Members, texts and numbers of NeXus groups; the same for all techniques."""

from __future__ import annotations

from consilience.nexus import class_of, field_text, member_of, members, number_in, text_in

__all__ = ["class_of", "field_text", "member_of", "members", "number_in", "text_in"]
