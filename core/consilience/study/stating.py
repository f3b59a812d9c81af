"""What a study states of its own: margins, ranges of phases, associations, rules, protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from consilience.declarations import Kind
from consilience.errors import BadInputError
from consilience.model.association import AssociationRequest, SeriesChoice
from consilience.model.stoichiometry import Homogeneity
from consilience.model.verdict import Margin
from consilience.study.added import Added
from consilience.study.contents import Contents

__all__ = ["Stating"]


class Stating(Contents):
    """The part of a study that says how its measurements are to be judged."""

    def set_margin(self, kind: str, margin: Margin) -> Added:
        """State the study's own equivalence margin for a kind."""
        declared = self.registry.get(Kind, kind)
        expected = "1" if margin.relative else declared.unit
        if margin.unit != expected:
            raise BadInputError(
                f"the margin of {kind} is in {margin.unit!r}, expected {expected!r}",
                fix=(
                    "a relative margin is a plain number: unit = '1', and 0.002 for 0.2 %"
                    if margin.relative
                    else f"convert it to {expected}"
                ),
            )
        body = {"id": f"margin:{kind}", "about": "margin", "kind": kind, **margin.to_json()}
        known = self.store.index.get("note", body["id"])
        if known is not None and known.body == body:
            return Added("margin", kind, False)
        self.store.append([("note", body)])
        return Added("margin", kind, True)

    def set_homogeneity(self, formula: str, homogeneity: Homogeneity) -> Added:
        """State in what range of compositions a phase exists.

        Raises
        ------
        BadInputError
            The range is not one of this formula.
        """
        try:
            homogeneity.of(formula)
        except ValueError as error:
            raise BadInputError(
                f"homogeneity of {formula!r}: {error}",
                fix="write line_compound = true, or ranges = { Li = [0.48, 0.52] }",
            ) from error
        name = f"homogeneity:{formula}"
        body = {"id": name, "about": "homogeneity", "formula": formula, **homogeneity.to_json()}
        known = self.store.index.get("note", name)
        if known is not None and known.body == body:
            return Added("homogeneity", formula, False)
        self.store.append([("note", body)])
        return Added("homogeneity", formula, True)

    def set_association(self, request: AssociationRequest | Mapping[str, Any]) -> Added:
        """Ask for two quantities to be held against each other over states.

        Parameters
        ----------
        request : AssociationRequest or mapping
            As ``[[association]]`` of the study's file; the same two quantities asked for again
            replace what was asked before.

        Raises
        ------
        BadInputError
            A kind is not declared, or a field is wrong.
        """
        from consilience.study.entering import validated

        content = request.to_json() if isinstance(request, AssociationRequest) else dict(request)
        asked = validated(AssociationRequest, content, "association")
        for choice in (asked.first, asked.second):
            self.registry.get(Kind, choice.kind)
        first, second = (_as_states_are(choice) for choice in (asked.first, asked.second))
        asked = asked.model_copy(update={"first": first, "second": second})
        body = {"id": f"association:{asked.name}", "about": "association", **asked.to_json()}
        known = self.store.index.get("note", body["id"])
        if known is not None and known.body == body:
            return Added("association", asked.name, False)
        self.store.append([("note", body)])
        return Added("association", asked.name, True)

    def set_rule(self, rule: str, reason: str, **fields: Any) -> Added:
        """Change a shipped rule for this study, or add one of its own (``study.NAME``).

        Parameters
        ----------
        rule : str
            ID, as in ``consilience rules``.
        reason : str
            Why; printed wherever the rule speaks, beside what the shipped rule would say.
        **fields
            Of `consilience.rules.Rule`; ``effect="off"`` switches it off.

        Raises
        ------
        BadInputError
            The rule is not known, no reason is given, or the changed rule does not validate.
        """
        from consilience.study.ruling import change_of, keep_rules

        return keep_rules(self, [change_of({**fields, "id": rule, "reason": reason})])[0]

    def add_protocol(self, protocol: Mapping[str, Any]) -> Added:
        """Register a planned chain of steps; see docs/rules.md for its fields."""
        from consilience.study.ruling import keep_protocols

        return keep_protocols(self, [protocol])[0]


def _as_states_are(choice: SeriesChoice) -> SeriesChoice:
    """Read values of a state as those of measurements are read: ``"-6 V"`` is a quantity."""
    from consilience.quantities import parse_value

    read = {k: parse_value(v) if isinstance(v, str) else v for k, v in choice.state.items()}
    return choice.model_copy(update={"state": read})
