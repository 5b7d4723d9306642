"""A session that has read something is a transaction; it is kept, and never closed."""
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, sessionmaker
from story import end, say

Base = declarative_base()


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    status = Column(String)


engine = create_engine("postgresql+psycopg2://")
Session = sessionmaker(engine)
open_sessions = []


def status_of(order):
    session = Session()
    open_sessions.append(session)  # no session.close()
    return session.get(Order, order).status


status_of(1)
status_of(2)
say("ready")
end()
