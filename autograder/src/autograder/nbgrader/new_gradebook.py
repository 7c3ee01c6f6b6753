"""A new gradebook knows the version of its tables before nbgrader opens it.

nbgrader asks the program alembic for that version, which loads for two and a half seconds. Here
alembic's own library reads it in a quarter of a second.
"""

from alembic.script import ScriptDirectory
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import Column, MetaData, String, Table, create_engine, insert, inspect

_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), nullable=False))


def stamp(db_url: str) -> None:
    """Note the version of nbgrader's tables in a gradebook that has no table yet.

    Args:
        db_url: The address of the gradebook.

    Raises:
        sqlalchemy.exc.OperationalError: If it cannot be read or written.
    """
    engine = create_engine(db_url)
    try:
        with engine.begin() as connection:
            if inspect(connection).get_table_names():
                return
            _VERSION.create(connection)
            newest = ScriptDirectory(ALEMBIC_DIR).get_current_head()
            connection.execute(insert(_VERSION).values(version_num=newest))
    finally:
        engine.dispose()
