"""A healthy engine: the blocks commit, close, and give connections back."""
import threading

from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker
from story import goes_on, say, think

engine = create_engine(
    "postgresql+psycopg2://", pool_size=3, max_overflow=0, pool_pre_ping=True, pool_recycle=1800
)
Session = sessionmaker(engine)


def pay(order):
    with Session.begin() as session:  # commits, or rolls back after an error
        session.execute(text("SELECT status FROM orders WHERE id = :id FOR UPDATE"), {"id": order})
        think(0.02)
        session.execute(text("UPDATE orders SET status = 'paid' WHERE id = :id"), {"id": order})


def count_new():
    with Session() as session:  # closes, which rolls back what a SELECT began
        return session.scalar(text("SELECT count(*) FROM orders WHERE status = 'new'"))


def work(worker):
    turn = 0
    while goes_on():
        pay(200 + worker * 10 + turn % 10)
        count_new()
        think(0.03)
        turn += 1


workers = [threading.Thread(target=work, args=[worker]) for worker in range(5)]
for worker in workers:
    worker.start()
say("ready")
for worker in workers:
    worker.join()
engine.dispose()
say("done")
