"""What a ROM does that no guest can see, judged from outside, for any ROM: registers kept, what was stored,
how often the hypervisor was asked.

A guest waits at its gate on an embedded hypervisor (``stand``), and its ROM is called with the processor's
registers set from outside. ``arguments`` draws what calls are given, ``contract`` and ``stores`` say what
they may change; ``beginning``, ``relocation``, ``slots``, ``ways`` and ``hypercalls`` are the examinations,
one file a subject, and write their lines on a ``sheet``. ``examiners`` makes boots of them, whose lines
``abi/clauses/checks/hostside-*.toml`` list."""
