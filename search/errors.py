"""What can go wrong in the search room, for the catalogue to translate.

SearchError
  IndexMissing     there is no index for this vocabulary yet: rebuild
  IndexDamaged     what lies on the disk is not what was committed: rebuild
  IndexBusy        another process is writing: try again
  InvalidCursor    a cursor that this search did not hand out
  InvalidSearchUrl a search URL that names no engine
"""


class SearchError(Exception):
    """Each text is a sentence an operator or an editor can act on, without paths or titles in it."""


class IndexMissing(SearchError):
    """No index was built yet for this vocabulary and this version of the program."""


class IndexDamaged(SearchError):
    """Files of the index are gone, cut short or altered."""


class IndexBusy(SearchError):
    """Another writer holds the index; there is one writer at a time."""


class InvalidCursor(SearchError):
    """The cursor was altered or belongs to another search."""


class InvalidSearchUrl(SearchError):
    """The search URL in the settings names no engine that is here."""
