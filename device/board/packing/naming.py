"""What every name of a program becomes."""

from collections import Counter

from .homes import homes
from .members import Members
from .program import ENTRY, Program
from .source import Origin, identifiers, short_names


class Naming:
    """A program, the packed module of each global, and the new names of globals and members."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.homes = homes(program)
        self.counts = Counter(name for module in program.order for name in identifiers(module.tree))
        self.globals = self._name_globals()
        functions = {name for module in program.order for name in (*module.defined, *program.bound[module.name])}
        self.members = Members((module.tree for module in program.order), functions)
        self.attributes = self.members.named(self.counts, {*self.globals.values()})

    def _name_globals(self) -> dict[Origin, str]:
        """Name what other packed modules import apart from everything; the rest may have the same name in each."""
        shared = self._shared()
        common = short_names(self.counts)
        names = {origin: next(common) for origin in sorted(shared)} | {self.program.start: ENTRY}
        taken = {*self.counts, *names.values()}
        for home in dict.fromkeys(self.homes.values()):
            fresh = short_names(taken)
            names |= {origin: next(fresh) for origin in sorted(self.homes) if origin not in names and self.homes[origin] == home}
        return names

    def _shared(self) -> set[Origin]:
        shared: set[Origin] = set()
        for user, home in self.homes.items():
            early, late = self.program.uses(*self.program.parts[user])
            shared |= {origin for origin in early | late if self.homes[origin] != home}
        return shared
