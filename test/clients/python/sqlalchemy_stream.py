"""A result is streamed in portions: one long transaction, read all the time."""
from sqlalchemy import create_engine, text
from story import goes_on, say, think

engine = create_engine("postgresql+psycopg2://")
with engine.connect() as connection:
    rows = connection.execution_options(stream_results=True, max_row_buffer=10).execute(
        text("SELECT a.id FROM orders a, orders b")
    )
    say("ready")
    for portion in rows.partitions(10):
        think(0.05)  # what is done with them
        if not goes_on():
            break
say("done")
