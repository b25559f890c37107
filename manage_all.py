"""The words of manage_all.sh, which finds a Python and runs this file on it."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from string import Template

import local_environments
import run_tests
from local_logs import follow
from local_services import LocalService, require_free_ports
from local_shell import ROOT, Interrupted, die, die_of, exit_if_failed, raise_on_signals
from local_stack import LocalStack

CALLS = Template("""\
curl --request GET  --url http://localhost:$users/users
curl --request POST --url http://localhost:$users/users \\
     --header 'Content-Type: application/json' --data '{"name":"ankur"}'
curl --request GET  --url http://localhost:$numbers/get-saved-numbers
curl --request POST --url http://localhost:$numbers/generate-random-number \\
     --header 'Content-Type: application/json' --data '{"user":"ankur"}'
""")


def up(words: list[str]) -> None:
    """Start everything; then show the logs until Ctrl-C, or return with --detach."""
    detach = words[:1] == ["--detach"]
    if words and not detach:
        die(f"up takes --detach, and not {words[0]}.")
    stack = LocalStack.from_environment()
    stack.prepare()
    require_free_ports(stack.services)
    start(stack)
    if not detach:
        watch(stack)


def start(stack: LocalStack) -> None:
    """Start everything. If that fails, stop everything, unless a service ran before."""
    ran_before = stack.is_any_running()
    try:
        stack.start()
        greet(stack)
        stack.state.unlock()
    except BaseException:
        if not ran_before:
            stack.stop_at_the_end()
        raise


def watch(stack: LocalStack) -> None:
    """Show the logs until a signal ends this or a service ends by itself; then stop everything."""
    try:
        follow({service.name: service.log for service in stack.services}, stack.are_all_running)
        die(f"A service ended by itself; its log is in {stack.state.logs}.")
    except Interrupted:
        pass  # the ordinary end
    finally:
        stack.stop_at_the_end()


def greet(stack: LocalStack) -> None:
    """Print where the services are, and calls to try."""
    width = max(len(service.service.title) for service in stack.services) + 3
    print()
    for service in stack.services:
        address = f"http://localhost:{service.port}"
        print(f"{service.service.title:{width}}{address}     admin: /admin/  API docs: /docs")
    print(f"The admin's password is in {stack.state.secrets / 'admin'}\n")
    print(CALLS.substitute({service.name: service.port for service in stack.services}))


def status(words: list[str]) -> None:
    """Print what runs, and where; exit with 3 unless every service runs."""
    stack = LocalStack.from_environment()
    for service in stack.services:
        pid = service.process_id()
        where = f"running on http://localhost:{service.port}, process {pid}" if pid else "stopped"
        print(f"{service.name}: {where}")
    if not stack.environ.get("DB_HOST") and local_environments.SERVICES.is_usable():
        print(f"postgres: {stack.postgres_status()}")
    if not stack.are_all_running():
        sys.exit(3)


def logs(words: list[str]) -> None:
    """Follow the logs of all services, as long as the parent process lives."""
    stack = LocalStack.from_environment()
    started = {service.name: service.log for service in stack.services if service.log.is_file()}
    if not started:
        die("There are no logs yet: nothing has been started.")
    parent = os.getppid()
    follow(started, lambda: os.getppid() == parent)


def down(words: list[str]) -> None:
    """Stop everything; with --purge also remove the data, after asking or with --yes."""
    purge = words[:1] == ["--purge"]
    if words and not purge:
        die(f"down takes --purge, and not {words[0]}.")
    stack = LocalStack.from_environment()
    if purge and words[1:2] != ["--yes"]:
        ask(f"Stop all, and remove all data in {stack.state.path}? [y/N] ")
    stack.stop()
    if purge:
        stack.purge()


def ask(question: str) -> None:
    """Exit unless the answer is yes."""
    if sys.stdin.isatty():
        print(question, end="", file=sys.stderr)
    if not sys.stdin.readline().strip().lower().startswith("y"):
        die("Nothing was stopped or removed.")


def manage(words: list[str]) -> None:
    """Run manage.py of each service; a database that did not run is stopped again."""
    stack = LocalStack.from_environment()
    stack.prepare()
    stop = not stack.is_any_running()
    try:
        stack.use_database()
        for service in services_with(words[0], stack.services):
            print(f"--- {service.name}")
            exit_if_failed(stack.manage(service, *words, interactive=True))
    finally:
        if stop:
            stack.stop_at_the_end()


def services_with(word: str, services: list[LocalService]) -> list[LocalService]:
    """Return the services that have a word of their own, or else all."""
    file = f"*/management/commands/{word}.py"
    own = [one for one in services if any((ROOT / f"{one.name}_project").glob(file))]
    return own or services


def owners(words: list[str]) -> None:
    """Print who may do what in the database; a database that did not run is stopped again."""
    stack = LocalStack.from_environment()
    stack.prepare()
    stop = not stack.is_any_running()
    try:
        stack.use_database()
        exit_if_failed(stack.owners(*words))
    finally:
        if stop:
            stack.stop_at_the_end()


WORDS: dict[str, Callable[[list[str]], None]] = {
    "up": up,
    "status": status,
    "logs": logs,
    "down": down,
    "owners": owners,
    "lint": run_tests.lint,
    "test": run_tests.test,
    "bench": run_tests.bench,
    "drill": run_tests.drill,
    "test-images": run_tests.test_images,
    "test-cluster": run_tests.test_cluster,
}


def main() -> None:
    """Do what the command line says."""
    raise_on_signals()
    leave_removed_folder()
    word, *words = sys.argv[1:]
    try:
        if word in WORDS:
            WORDS[word](words)
        else:
            manage([word, *words])
    except Interrupted as interrupted:
        die_of(interrupted.number)
    except BrokenPipeError:
        die_of(signal.SIGPIPE)  # whoever read the output has gone
    except OSError as error:
        die(f"{error.filename}: {error.strerror}." if error.filename else str(error))


def leave_removed_folder() -> None:
    """Go to the project's folder where the current one has been removed."""
    try:
        Path.cwd()
    except FileNotFoundError:
        if not Path(os.environ.get("STATE_DIR") or ROOT).is_absolute():
            die("STATE_DIR is a relative path, and the current folder has been removed.")
        os.chdir(ROOT)


if __name__ == "__main__":
    main()
