"""What is measured, stage by stage; within a stage the subjects take turns, round by round."""

from statistics import median

from tests.load.client import Client, Load, wrk
from tests.load.database import NAME, NUMBERS, USERS, Wrong
from tests.load.processes import Service
from tests.load.report import FEW_ROWS, NO_KEY, OURS, POSTGRES, RUNGS, SERVING, TEXTBOOK
from tests.load.rounds import GENERATE, RATE, REGISTER, Bench, require
from tests.load.subjects import Subject

LISTS = {"users": "/users", "numbers": "/get-saved-numbers"}
MANY = "Numbers saved per second"
MANY_TIME = "Median time of such a request, milliseconds"
FIRST_ROW = "Time to the first whole row, milliseconds"
MEMORY = "Memory, MiB"
KEYED = "Requests per second with an Idempotency-Key"
GROWTH = "Requests per second as the tables grow"
REST = "at rest, two workers (PSS)"
LISTED = "added by a list of {} numbers (RSS)"
POSTED = "POST {}, {} connections"
LONG_LISTS = "GET {}, 100,000 rows, 4 connections"
FIRST_PAGES = "GET /get-saved-numbers?page_size=100, 16 connections"
LATE_PAGES = "GET /get-saved-numbers?page_size=100, after 1,000,000 rows, 16 connections"
START = "From the start command to the first answer, seconds"


def rest(bench: Bench) -> None:
    """Memory of the random number service after a few calls."""
    bench.database.fill(100)
    for subject in bench.subjects:
        Client(subject.users.url).get(LISTS["users"])
        for _ in range(20):
            Client(subject.numbers.url).post(GENERATE, {"user": NAME})
            Client(subject.numbers.url).get(LISTS["numbers"])
    for subject in bench.subjects:
        subject.numbers.wait_until_idle()
        bench.report.row(MEMORY, REST).add(subject.name, subject.numbers.pss())


def memory_of_lists(bench: Bench) -> None:
    """Memory that a list adds to what a service has at rest, before anything else is listed."""
    bench.database.fill(100_000)
    for subject in bench.subjects:
        listed(bench, subject, "100,000")
    bench.database.fill_numbers(NUMBERS, 900_000, users=100_000)
    bench.database.settle(NUMBERS)
    listed(bench, bench.ours, "1,000,000")  # It would take others gigabytes.


def listed(bench: Bench, subject: Subject, rows: str) -> None:
    """List all numbers once, and take down by how much the processes grew."""
    before = subject.numbers.memory()
    subject.numbers.reset_peak()
    Client(subject.numbers.url).first_row(LISTS["numbers"])
    peaks = subject.numbers.memory("VmHWM:")
    bench.report.row(MEMORY, LISTED.format(rows)).add(
        subject.name, sum(max(0.0, peaks[pid] - size) for pid, size in before.items())
    )


def posts(bench: Bench) -> None:
    """One row at a time."""
    for connections in (16, 64):
        # Anew each time: plans that the peer has prepared for a few users are bad for thousands.
        bench.database.fill(100)
        row = POSTED.format(GENERATE, connections)
        for subject in bench.turns():
            bench.record(row, subject, bench.generate(subject, connections))
            if subject is bench.ours:
                floor = bench.database.pgbench(16, bench.seconds)
                bench.report.row(RATE, row).add(POSTGRES, floor)
        row = POSTED.format(REGISTER, connections)
        for subject in bench.turns():
            bench.record(row, subject, bench.register(subject, connections))


def keyed(bench: Bench) -> None:
    """What it costs that a draw may be repeated."""
    for connections in (16, 64):
        bench.database.fill(100)
        row = bench.report.row(KEYED, POSTED.format(GENERATE, connections))
        for turn in range(bench.rounds):
            for has_keys in (True, False) if turn % 2 == 0 else (False, True):
                rate = bench.generate(bench.ours, connections, has_keys).rate
                row.add(OURS if has_keys else NO_KEY, rate)


def reads(bench: Bench) -> None:
    """One row at a time, another for each request."""
    bench.database.fill(100_000)
    for connections in (16, 64):
        for subject in bench.turns(*RUNGS):
            user = Client(subject.users.url).get("/users/2")
            require(user == {"id": 2, "name": "user-2"}, f"{subject.name} answered {user}")
            load = bench.load(subject.users, "/users/*", connections)
            bench.record(f"GET /users/{{id}}, {connections} connections", subject, load)


def lists(bench: Bench) -> None:
    """Whole lists, short and long, and how soon they begin."""
    for rows, connections in ((100, 16), (100_000, 4)):
        bench.database.fill(rows)
        require_equal_lists(bench)
        slow = RUNGS if rows > 100 else ()  # half a minute for each turn
        for name in LISTS:
            for subject in bench.turns(once=slow):
                whole_lists(bench, subject, name, rows, connections)


def whole_lists(bench: Bench, subject: Subject, name: str, rows: int, connections: int) -> None:
    """Load a service with whole lists, and take down how soon one begins."""
    service, path, is_long = getattr(subject, name), LISTS[name], rows > 100
    # REST framework's mixin takes seconds, in which other greenlets of the process may miss their
    # deadline.
    is_rung = is_long and subject.name in RUNGS
    is_slow = is_rung or (is_long and subject.name == TEXTBOOK)
    may_fail = is_rung and subject.name == SERVING
    seconds = 8 if is_rung else 4 if is_slow else 2 if is_long else 1
    load = bench.load(service, path, connections, seconds, may_fail=may_fail)
    first, cpu = one_by_one(service, path, times=1 if is_slow else 3)
    if is_long:  # What wrk left unfinished would count as well.
        load.cpu = cpu
    row = f"GET {path}, {rows:,} rows"
    bench.record(f"{row}, {connections} connections", subject, load)
    bench.report.row(FIRST_ROW, row).add(subject.name, first)


def one_by_one(service: Service, path: str, times: int) -> tuple[float, float]:
    """Return milliseconds to a list's first row, and microseconds of CPU time for all of it."""
    before = service.cpu_seconds()
    first = median(Client(service.url).first_row(path) for _ in range(times))
    return first, (service.cpu_seconds() - before) / times * 1e6


def require_equal_lists(bench: Bench) -> None:
    """Raise Wrong unless all subjects list the same, and that is what is in the tables."""
    for name, path in LISTS.items():
        answers = [Client(getattr(subject, name).url).get(path) for subject in bench.subjects]
        rows = answers[0] if name == "users" else answers[0]["savedNumbers"]
        saved = bench.database.count(USERS if name == "users" else NUMBERS)
        if len(rows) != saved or any(answer != answers[0] for answer in answers):
            raise Wrong(f"GET {path}: not all list the same {saved} rows.")


def counts(bench: Bench) -> None:
    """Many numbers by one request."""
    bench.database.fill(100)
    unable = [subject.name for subject in bench.subjects if not can_count(bench, subject)]
    floors = [bench.database.pgbench(16, bench.seconds) for _ in range(bench.rounds)]
    for count in (1, 100, 1000, 10_000):
        row = f"count: {count:,}, 4 connections"
        for subject in bench.turns(*unable, *RUNGS):
            load, rate = count_rate(bench, subject, count)
            bench.report.row(MANY, row).add(subject.name, rate)
            bench.report.row(MANY_TIME, row).add(subject.name, load.median)
        bench.report.row(MANY, row).values[POSTGRES] = floors


def can_count(bench: Bench, subject: Subject) -> bool:
    """Return whether a service draws several numbers at once, and raise Wrong if wrongly."""
    body = {"user": NAME, "limit": 6, "count": 1000}
    answer = Client(subject.numbers.url).post(GENERATE, body)
    if "randomNumbers" not in answer:
        return False
    drawn = [(one["id"], one["randomNumber"]) for one in answer["randomNumbers"]]
    bench.database.require_saved(NUMBERS, "number", drawn)
    if len(drawn) != 1000 or {number for _, number in drawn} != set(range(7)):
        raise Wrong(f"{subject.name}: 1000 numbers from 0 to 6 were asked for: {drawn}")
    return True


def count_rate(bench: Bench, subject: Subject, count: int) -> tuple[Load, float]:
    """Return what wrk saw, and how many numbers were saved per second."""
    before = bench.database.count(NUMBERS)
    body = f'{{"user":"{NAME}","limit":1000,"count":{count}}}'
    load = wrk(subject.numbers.url + GENERATE, 4, bench.seconds, body)
    subject.numbers.wait_until_idle()  # What was on its way when wrk hung up counts here.
    added = bench.database.count(NUMBERS) - before
    if added % count or not load.requests * count <= added <= (load.requests + 4) * count:
        raise Wrong(f"{load.requests} times {count} numbers were acknowledged, {added} added.")
    return load, load.rate * count


def growth(bench: Bench) -> None:
    """Whether a table of millions makes saving and reading slower."""
    bench.database.fill(100)
    bench.database.make_sizes(bench.sizes, users=100)
    rates: dict[int, list[float]] = {size: [] for size in bench.sizes}
    for turn in range(bench.rounds):
        for size in bench.sizes if turn % 2 == 0 else reversed(bench.sizes):
            bench.database.use_size(size)
            rates[size].append(bench.generate(bench.ours, 16).rate)
    empty, million, *_ = bench.sizes
    for size in bench.sizes[1:]:
        row = bench.report.row(GROWTH, f"POST {GENERATE}, with {size:,} rows")
        row.values = {OURS: rates[size], FEW_ROWS: rates[empty]}
    bench.database.use_size(million)
    pages(bench, million)
    bench.database.drop_sizes(bench.sizes)


def pages(bench: Bench, rows: int) -> None:
    """Pages at the beginning of a long list, and behind so many rows."""
    bench.database.fill_numbers(NUMBERS, 100_000, users=100)  # what is behind
    bench.database.settle(NUMBERS)
    path = f"{LISTS['numbers']}?page_size=100&after=*"
    for subject in bench.turns(TEXTBOOK, *RUNGS):
        for row, start in ((FIRST_PAGES, 0), (LATE_PAGES, rows)):
            page = Client(subject.numbers.url).get(path.replace("*", str(start)))["savedNumbers"]
            require(len(page) == 100, f"{subject.name}: {row} has {len(page)} rows.")
            bench.record(row, subject, bench.load(subject.numbers, path, 16, number=start))
    rates = bench.report.tables[RATE]
    row = bench.report.row(GROWTH, LATE_PAGES)
    row.values = {OURS: rates[LATE_PAGES].values[OURS], FEW_ROWS: rates[FIRST_PAGES].values[OURS]}


def starts(bench: Bench) -> None:
    """How soon a service answers."""
    row = bench.report.row(START, "random number service")
    for subject in bench.subjects:
        if subject.front_script is None:
            row.add(subject.name, subject.numbers.seconds_to_ready)
            continue
        for _ in range(bench.rounds):
            subject.numbers = subject.front_script.restart(subject.numbers, "numbers")
            row.add(subject.name, subject.numbers.seconds_to_ready)


STAGES = (rest, memory_of_lists, lists, posts, keyed, reads, counts, growth, starts)
