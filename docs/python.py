"""Write docs/python.md from signatures and docstrings of the public names: python docs/python.py."""

import ast
import inspect
from functools import cache
from pathlib import Path

DOCS = Path(__file__).parent
PAGE = DOCS / "python.md"
SOURCE = DOCS.parent / "src"
MAX_LINE = 100
# Aliases and constants that the signatures mention: name -> definition.
MENTIONED: dict[str, str] = {}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef | ast.Assign | ast.AnnAssign


class Module:
    """The syntax tree of a module, read without importing it."""

    def __init__(self, name: str) -> None:
        folder = SOURCE.joinpath(*name.split("."))
        path = folder.with_suffix(".py") if folder.with_suffix(".py").exists() else folder / "__init__.py"
        self.name, self.text = name, path.read_text("utf-8")
        self.tree = ast.parse(self.text)

    def code(self, node: ast.AST) -> str:
        """Return the source of a node on one line; remember the aliases and constants in it."""
        for item in ast.walk(node):
            if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load) and item.id not in MENTIONED:
                try:
                    module, found = self.find(item.id)
                except (LookupError, FileNotFoundError):  # a builtin, or of another package
                    continue
                if isinstance(found, ast.Assign | ast.AnnAssign):
                    MENTIONED[item.id] = ""
                    MENTIONED[item.id] = module.code(found)
        return " ".join((ast.get_source_segment(self.text, node) or "").split()).replace("( ", "(").replace(", )", ")")

    def find(self, name: str) -> "tuple[Module, Definition]":
        """Find the definition of a name, through re-exports."""
        for node in self.tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", ast.Pass())]
            assigned = {item.id for target in targets for item in ast.walk(target) if isinstance(item, ast.Name)}
            if name == getattr(node, "name", None) or name in assigned:
                return self, node  # type: ignore[return-value]
        for node in self.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        return module_of(node.module).find(alias.name)
        raise LookupError(f"{self.name} does not define {name}")


module_of = cache(Module)


def public_imports() -> dict[str, tuple[str, str]]:
    """Read the imports of boxable/__init__.py for type checkers: public name -> (module, name there or "")."""
    (block,) = [node for node in module_of("boxable").tree.body if isinstance(node, ast.If)]
    imports = {}
    for node in block.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                is_module = node.module == "boxable"
                home = (f"boxable.{alias.name}", "") if is_module else (node.module, alias.name)
                imports[alias.asname or alias.name] = home
        else:  # public = _private: an import that type checkers re-export
            imports[node.targets[0].id] = imports.pop(node.value.id)
    return imports


def signature(
    module: Module, node: Function, name: str, *, method: bool, implementation: Function | None = None
) -> str:
    """Format a signature, on several lines if it is long. An overload has the defaults of its implementation."""
    defaults = _defaults(module, node)
    if implementation:
        values = _defaults(module, implementation)
        defaults = {item: values.get(item, value) if value == "..." else value for item, value in defaults.items()}

    def format_(item: ast.arg) -> str:
        annotation = f": {module.code(item.annotation)}" if item.annotation else ""
        return f"{item.arg}{annotation}" + (f" = {defaults[item.arg]}" if item.arg in defaults else "")

    arguments = node.args
    parts = [format_(item) for item in (*arguments.posonlyargs, *arguments.args)]
    if method and not any(module.code(item) == "staticmethod" for item in node.decorator_list):
        parts = parts[1:]
    if arguments.vararg:
        parts.append(f"*{format_(arguments.vararg)}")
    elif arguments.kwonlyargs:
        parts.append("*")
    parts += map(format_, arguments.kwonlyargs)
    if arguments.kwarg:
        parts.append(f"**{format_(arguments.kwarg)}")
    return _call(name, parts, f" -> {module.code(node.returns)}" if node.returns else "")


def _defaults(module: Module, node: Function) -> dict[str, str]:
    plain = [*node.args.posonlyargs, *node.args.args]
    pairs = [*zip(reversed(plain), reversed(node.args.defaults), strict=False)]
    pairs += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return {item.arg: module.code(value) for item, value in pairs if value is not None}


def _call(name: str, parts: list[str], returns: str = "") -> str:
    line = f"{name}({', '.join(parts)}){returns}"
    return line if len(line) <= MAX_LINE else f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){returns}"


def entry(name: str) -> str:
    """Write the section of a public name."""
    home, own = public_imports()[name]
    module, node = module_of(home).find(own)
    title = f"boxable.{name}"
    if isinstance(node, ast.ClassDef):
        return "\n\n".join([f"## {title}", *_class(module, node, name)])
    if isinstance(node, Function):
        return f"## {title}\n\n{_code(signature(module, node, title, method=False))}\n\n{_docstring(node)}"
    return f"## {title}\n\n{_code(module.code(node))}"


def _class(module: Module, node: ast.ClassDef, name: str) -> list[str]:
    methods: dict[str, list[Function]] = {}
    for item in node.body:
        if isinstance(item, Function):
            methods.setdefault(item.name, []).append(item)
    bases = f"({', '.join(module.code(base) for base in node.bases)})" if node.bases else ""
    if any(module.code(item).startswith("dataclass") for item in node.decorator_list):
        fields = [
            module.code(item) for item in node.body
            if isinstance(item, ast.AnnAssign) and not module.code(item.target).startswith("_")
        ]  # fmt: skip
        shown = _call(name, fields)
    else:
        made = methods.get("__init__", [])
        shown = signature(module, made[0], name, method=True).removesuffix(" -> None") if made else f"{name}{bases}"
    inherits = f"Base class: `{bases[1:-1]}`." if bases and not shown.endswith(bases) else ""
    sections = [_code(f"class {shown}"), _docstring(node), inherits]
    for method, definitions in methods.items():
        if method.startswith("_") and method not in ("__call__", "__getitem__"):
            continue
        documented = definitions[-1]
        decorators = [module.code(item) for item in documented.decorator_list]
        if any("property" in item for item in decorators):
            returns = f": {module.code(documented.returns)}" if documented.returns else ""
            lines = [f"{method}{returns}"]
        else:
            called = f"{name[0].lower()}{name[1:]}" if method == "__call__" else method
            lines = [
                signature(module, item, called, method=True, implementation=documented)
                for item in definitions[:-1] or definitions
            ]
        sections += [f"### {name}.{method}", _code("\n".join(lines)), _docstring(documented)]
    return [section for section in sections if section]


def _code(text: str) -> str:
    return f"```python\n{text}\n```"


def _docstring(node: Function | ast.ClassDef) -> str:
    return inspect.cleandoc(ast.get_docstring(node) or "")


def page() -> str:
    """Write the whole page."""
    names = sorted(public_imports(), key=lambda name: (name.endswith("Error"), not name.islower(), name))
    names.remove("openimages")
    introduction = "# Python\n\nMade from signatures and docstrings by `python docs/python.py`. "
    introduction += "`boxable.openimages` has `Dataset`, `Shard` and `Targets` too."
    listing = " ".join(f"[`{name}`](#boxable{name.lower()})" for name in names)
    MENTIONED.clear()
    entries = [entry(name) for name in names]
    aliases = _code("\n".join(sorted({text for name, text in MENTIONED.items() if name not in names})))
    return "\n\n".join([introduction, listing, *entries, "## Types and constants", aliases]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
