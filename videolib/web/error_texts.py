"""The library's own sentences in the language of the page: listed here so that translators find them."""

from __future__ import annotations

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from videolib.catalogue.left_out import LeftOut
from videolib.web.languages import language

# by code: sentences that carry values (a name, a number) in the original
_BY_CODE = {
    "invalid_input": _("Some fields cannot be understood; see the fields."),
    "unknown_term": _("One of the chosen terms is not in its list; choose again."),
    "retired_term": _("One of the chosen terms is retired; choose one that is in use."),
    "term_exists": _("A term of this name is in the list already."),
    "term_in_use": _("This term is in use, or part of the library's own vocabulary: retire it."),
    "term_invalid": _("Something about this term cannot be; look at the marked fields."),
    "table_unreadable": _("This file cannot be read as a table of entries; choose a .csv, .xlsx or .json file."),
    "bulk_invalid": _("Choose entries, what to change, and a value."),
    "not_publishable": _("The entry cannot be published yet."),
    "version_differs": _("This program is not of the version that the library belongs to: run `videolib init`."),
    "annotation_invalid": _("This annotation cannot be as it is; see the fields."),
    "no_original": _("The original of this recording is in the library that it came from; bring its file again."),
    "upload_too_large": _("The file is larger than this library takes; cut it into parts, or ask an administrator."),
    "quota": _("Your recordings would need more space than is yours; ask an administrator."),
    "no_name": _("Say the file's name, in at most 255 characters."),
    "wrong_state": _("This cannot be done in the present state; look at it again."),
}
# by themselves
_SENTENCES = (
    _("There is no such entry, or you may not see it."),
    _("There is no such recording."),
    _("There is no such list of terms."),
    _("There is no such term."),
    _("There is no such change."),
    _("This change was taken back already."),
    _("Somebody has changed this since."),
    _("There is no entry of this id; leave the id empty to add one."),
    _("Somebody has changed this entry since the file was written; export it again."),
    _("An owner is somebody who may edit."),
    _("There is no such kind of file."),
    _("Give it a label in Chinese."),
    _("Give it a label in English."),
    _("Write at most 200 characters."),
    _("Write it by language, as in {en: …, zh: …}."),
    _("This term is accepted already."),
    _("This term is retired already."),
    _("Only a term that was retired, and not merged, can be brought back."),
    _("Merge into another term of the same list that is in use."),
    _("That term is narrower than this one: merge the narrower into the broader."),
    _("Choose the term to merge into."),
    _("Somebody else has changed this term since you opened it."),
    _("There is no such package."),
    _("There are no captions in this language."),
    _("There is nothing at this address."),
    _("This address has expired; open the entry again to get a new one."),
    _("Somebody other than the uploader has to look at the recording and sign it off."),
    _("Somebody else has changed this entry since you opened it."),
    _("Only a published entry can be withdrawn."),
    _("An entry that was published once is withdrawn, not deleted."),
    _("The recording has just changed; look at it again."),
    _("Say why the entry is withdrawn."),
    _("This page address is damaged; start again at the first page."),
    _("The search index is being rebuilt; the list below is not searched."),
    _("The database does not answer; try again in a moment."),
    _("Give it a title in Chinese."),
    _("Give it a title in English."),
    _("Name at least one procedure."),
    _("Add a recording."),
    _("A second person has to look at the recording and sign it off."),
    _("Wait until the recording is ready to be watched."),
    _("Look at what was guessed about the DICOM recording: confirm or correct it."),
    _("This recording has no DICOM runs to decide about."),
    _("There is no such guess any more; look at the recording again."),
    _("Some of these values cannot be."),
    _("Captions are zh-Hans or en."),
    _("Choose zh-Hans or en."),
    _("The caption file is larger than 2 MiB."),
    _("The caption file has more than 20 000 captions."),
    _("The caption file holds no caption with a text and a time."),
    _("This is no caption file: it has to be WebVTT, SubRip (.srt) or ASS."),
    _("This recording offers no other picture."),
    _("Make the recording anew."),
    _("Choose one of the pictures."),
    _("Log in first, or send a token."),
    _("This token is not valid, or not any more; make a new one with `videolib user token`."),
    _("Only editors may do this; an administrator can give you that role."),
    _("Only administrators may do this."),
    _("There is no such field."),
    _("Captions are made by a person or by a program: human or auto."),
    # annotations
    _("Somebody else has changed this annotation since you opened it."),
    _("There is no such annotation."),
    _("There is no such step."),
    _("An entry has at most 5000 annotations."),
    _("Send at most 1000 annotations at once."),
    _("It is there already."),
    _("A step lies inside one phase: add or widen the phase first, or choose other times."),
    _("A task lies inside one step: add or widen the step first, or choose other times."),
    _("Phases do not overlap: this one reaches into another."),
    _("Steps do not overlap: this one reaches into another."),
    _("Phases, steps and tasks have an end."),
    _("The end lies after the start."),
    _("It lies behind the end of the recording."),
    _("Choose phase, step, task, action, event, mark or note."),
    _("The layer is main or second."),
    _("Write the start as a time in the recording, for example 1:15.5."),
    _("Write the end as a time in the recording, for example 1:15.5."),
    _("Write a time in the recording, for example 1:15.5."),
    _("Write when it begins, for example 1:15.5."),
    _("How sure it is lies between 0 and 1."),
    _("A note is zh, en or both, and at most 4000 characters long."),
    _("The drawing is not one that can be kept."),
    _("Choose which phase or step it is."),
    _("Choose what is done."),
    _("A mark needs its place in the picture."),
    _("Choose a term or write a note."),
    _("Only an event has a severity."),
    _("A drawing is a box in percent or an SVG."),
    _("A box is four numbers: x, y, width and height in percent."),
    _("A box lies inside the picture: x, y, width and height in percent."),
    _("The drawing is larger than 64 KiB."),
    _("The drawing holds more than a drawing."),
    _("The drawing is not SVG."),
    _("Nothing that can be kept is left of the drawing."),
    _("The drawing has more than 200 parts."),
    _("It names no time in the recording: give a fragment such as t=12.5,30."),
    _("Give a fragment such as t=12.5,30."),
    _("A time is written in seconds or as a clock, for example t=12.5,30 or t=0:12.5,0:30."),
    _("This is not a Web Annotation."),
    _("Send a Web Annotation."),
    # uploads
    _("There is no such upload."),
    _("This upload is kept no longer; begin it anew."),
    _("The upload is further, or not as far: ask how far it is, then go on."),
    _("Another request is writing to this upload; ask how far it is, then go on."),
    _("All of it has arrived, and the recording is being made of it."),
    _("More was sent than was announced: the file has grown; upload it anew."),
    _("The store has lost what had arrived; send the file again."),
    _("The bytes were changed on the way; send them again."),
    _("The connection broke in the middle of a piece; send it again."),
    _("There is not enough disk space in the library for this file; ask an administrator."),
    _("The file is empty (0 bytes). Copy it from the recorder again and upload it again."),
    _("This is not a video or DICOM file. Export the recording as MP4, MOV, AVI, MPEG or DICOM."),
    _("This is a still picture, not a video. Upload the recording itself."),
    _("This is a caption file, not a recording. Add it to its recording as captions."),
    # why a recording was refused or failed
    _("The file is empty."),
    _("The work on this recording ended its worker several times; it was given up."),
)
REASONS = {
    "empty": _("The file is empty."),
    "not_media": _("This is not a video that can be read."),
    "still_image": _("This is a still picture, not a video."),
    "no_video": _("The file has no moving picture."),
    "encrypted": _("The file is encrypted; send it without protection."),
    "truncated": _("The file ends too early; send it again."),
    "too_large": _("The picture or the file is larger than can be taken."),
    "too_short": _("The recording is too short."),
    "unsupported": _("This kind of video cannot be read."),
    "corrupt": _("The file is damaged."),
    "unsafe_reference": _("The file refers to other files, which is not allowed."),
    "tool_failed": _("The conversion did not work; try again, or ask the administrator."),
    "no_space": _("There is no space left on the server; tell the administrator."),
    "store_unavailable": _("The store does not answer; try again later."),
}
# what work waits for; it goes on by itself
WAITS = {
    "no_space": _("Waiting for disk space on the server; tell the administrator."),
    "store_unavailable": _("The store does not answer; the work goes on as soon as it does."),
    "database_unavailable": _("The database did not answer; the work goes on in a moment."),
    "tool_failed": _("The conversion did not work; it is tried again in a moment."),
}


LEFT_OUT = (
    _("a body that cannot be read"),
    _("the body {}"),
    _("the term {}, which this library does not have"),
    _("a text in {}"),
    _("a further target"),
    _("{} of the drawing"),
    _("a selector of the type {}"),
    _("a selector without a type"),
    _("the dimension {}"),
    _("a box that cannot be read"),
    _("a box in {}"),
    _("a box in pixels of a picture whose size is not known"),
)


def named_left_out(part: LeftOut) -> str:
    """What of an annotation could not be taken, in the caller's language."""
    return str(gettext(part.template)).replace("{}", part.value)


def translated(sentence: str, code: str = "") -> str:
    """The sentence in the caller's language; where only its kind is known there, that."""
    found = str(gettext(sentence))
    if found == sentence and language() == "zh" and code in _BY_CODE:
        return str(_BY_CODE[code])
    return found
