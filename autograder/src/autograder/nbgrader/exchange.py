"""Releases feedback to a class in which some students did not submit through the exchange.

nbgrader opens two files of each submission that only its exchange writes, and aborts the whole
release if one is missing.
"""

from pathlib import Path

from nbgrader.exchange.default import ExchangeReleaseFeedback


class ReleaseFeedback(ExchangeReleaseFeedback):
    """Releases what the exchange can carry, and names the students who need their page by hand."""

    def copy_files(self) -> None:
        """Copy the pages of all students who submitted through the exchange."""
        kept = self.coursedir.student_id_exclude
        for folder in self._folders():
            timestamp = folder / "timestamp.txt"
            if not (folder / "submission_secret.txt").is_file():
                student = folder.parent.name
                self.log.warning(
                    "%s did not submit through the exchange: return %s by hand.", student, folder
                )
                excluded = self.coursedir.student_id_exclude
                self.coursedir.student_id_exclude = ",".join(filter(None, [excluded, student]))
            elif not timestamp.is_file():
                timestamp.write_text("", encoding="utf-8")
        try:
            super().copy_files()
        finally:
            self.coursedir.student_id_exclude = kept

    def _folders(self) -> list[Path]:
        pattern = self.coursedir.format_path(
            self.coursedir.feedback_directory, "*", self.coursedir.assignment_id
        )
        root = Path(self.coursedir.root)
        return sorted(root.glob(Path(pattern).relative_to(root).as_posix()))
