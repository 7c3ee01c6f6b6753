"""TeX formulas as MathML, which browsers draw without a script and without a network."""

from xml.etree import ElementTree

from latex2mathml.converter import convert

MOST = 2_000  # characters of a formula
_SPACE = "http://www.w3.org/1998/Math/MathML"
_NAMES = """
    math menclose mfenced mfrac mi mn mo mover mpadded mphantom mroot mrow mspace msqrt mstyle
    msub msubsup msup mtable mtd mtext mtr munder munderover
"""
# No href, style, class or id: TeX can ask for them.
_HARMLESS = """
    accent accentunder close columnalign columnlines columnspacing columnwidth depth display
    displaystyle fence form height largeop linebreak linethickness lspace mathbackground
    mathcolor mathsize mathvariant maxsize minsize movablelimits notation open rowalign rowlines
    rowspacing rspace scriptlevel separator stretchy symmetric voffset width
"""
_TAGS, _ATTRIBUTES = frozenset(_NAMES.split()), frozenset(_HARMLESS.split())


def mathml(tex: str, block: bool = False) -> str | None:
    """A formula as MathML.

    The converter copies text, tags included, and knows links. So its result is read as XML, and
    only what has nothing but MathML's own elements and harmless attributes is written anew.

    Args:
        tex: The formula, from anybody.
        block: Whether it has a line of its own.

    Returns:
        The element ``math``; None if this is no formula that can be shown so.
    """
    if len(tex) > MOST:
        return None
    try:
        root = ElementTree.fromstring(convert(tex.strip(), display="block" if block else "inline"))
    except Exception:  # it fails in many ways on what is not TeX
        return None
    for element in root.iter():
        name = element.tag.removeprefix(f"{{{_SPACE}}}")
        if name not in _TAGS or not set(element.keys()).issubset(_ATTRIBUTES):
            return None
        element.tag = name
    return ElementTree.tostring(root, encoding="unicode")
