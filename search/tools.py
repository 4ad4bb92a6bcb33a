"""The language tools of a vocabulary, made once a process: reading the dictionary takes a second."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from search.analysis import Analyzer
from search.concepts import ConceptFinder, dictionary_words
from search.documents import Vocabulary
from search.languages import Segmenter
from search.lexicon import VocabularyWords
from search.preparing import Preparer
from search.query import QueryReader
from search.suggest import TypedKeys

KEPT_VOCABULARIES = 2  # the one in use, and the next while it is being rebuilt for


@dataclass(frozen=True)
class Tools:
    """Everything that reads text with one vocabulary."""

    analyzer: Analyzer
    finder: ConceptFinder
    reader: QueryReader
    typed: TypedKeys
    preparer: Preparer
    words: VocabularyWords


_tools_lock = threading.Lock()
_tools_kept: OrderedDict[str, Tools] = OrderedDict()


def tools_for(vocabulary: Vocabulary, root: Path) -> Tools:
    """The language tools of a vocabulary, made once a process: reading the dictionary takes a second."""
    with _tools_lock:
        tools = _tools_kept.get(vocabulary.fingerprint)
        if tools is None:
            analyzer = Analyzer(Segmenter(dictionary_words(vocabulary), root / "dictionary"))
            finder = ConceptFinder(vocabulary, analyzer)
            typed = TypedKeys(vocabulary, analyzer)
            tools = Tools(
                analyzer,
                finder,
                QueryReader(vocabulary, analyzer, finder),
                typed,
                Preparer(vocabulary, analyzer, finder, typed),
                VocabularyWords(vocabulary, typed),
            )
            _tools_kept[vocabulary.fingerprint] = tools
        _tools_kept.move_to_end(vocabulary.fingerprint)
        while len(_tools_kept) > KEPT_VOCABULARIES:
            _tools_kept.popitem(last=False)
        return tools
