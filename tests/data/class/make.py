"""Makes the synthetic class: roster.json and steps.jsonl. Seeded, so the same files come out each time.

Twelve students in four teams, two courses, eighteen days. Days are counted from the first lesson (day 0); the last day is
"today" for whoever plays the class, so that boards of the day and of the week have something to show. A step is one request,
in order; `at` is its day and time of day. `Noor` has a bit of everything up to gold; others stay at bronze, silver, or nothing.
"""

import json
import random
import sys
from pathlib import Path

DAYS = 18
SEED = 20_261_123

MATHS, SCIENCE = 21, 22
UNITS = {101: (MATHS, ["fractions"]), 102: (MATHS, ["fractions", "decimals"]), 103: (MATHS, ["decimals"]), 104: (MATHS, ["algebra"]),
         201: (SCIENCE, ["forces"]), 202: (SCIENCE, ["forces", "energy"]), 203: (SCIENCE, ["energy"])}
NAMES = ["Noor", "Emil", "Ada", "Juri", "Mila", "Otis", "Pia", "Quinn", "Rune", "Selma", "Theo", "Uma"]
STUDENTS = list(range(1, 13))
TEAMS = {11: (901, [1, 2, 3, 4, 5]), 12: (902, [6, 7, 8, 9]), 13: (902, [10, 11, 12]), 14: (901, [1])}


def roster():
    users = [{"id": n, "name": f"Realname {name}", "alias": name} for n, name in zip(STUDENTS, NAMES)]
    users += [{"id": 901, "name": "Realname Vera", "role": "mentor"}, {"id": 902, "name": "Realname Wim", "role": "mentor"},
              {"id": 903, "name": "Realname Xenia", "role": "staff"}]
    return {
        "qualifications": [{"id": MATHS, "name": "Maths"}, {"id": SCIENCE, "name": "Science"}],
        "units": [{"id": n, "title": f"Unit {n}", "qualification_id": q, "skills": s} for n, (q, s) in UNITS.items()],
        "users": users,
        "teams": [{"id": n, "name": f"Team {n}", "mentor_id": m} for n, (m, _) in TEAMS.items()],
        "team_members": [{"team_id": n, "user_id": u} for n, (_, members) in TEAMS.items() for u in members],
        # Student 12 is enrolled in nothing: all units count.
        "enrolments": [{"qualification_id": MATHS, "user_id": n} for n in range(1, 10)]
        + [{"qualification_id": SCIENCE, "user_id": n} for n in (1, 2, 3, 10, 11)],
    }


class Steps:
    def __init__(self):
        self.random = random.Random(SEED)
        self.steps = []
        self.told = []

    def add(self, do, day, time_of_day, **fields):
        # Told when it happened, unless it is told later.
        told = fields.pop("told", None) or (day, time_of_day)
        self.steps.append({"do": do, "at": [day, time_of_day], **fields})
        self.told.append(told)
        return len(self.steps) - 1

    def in_order(self):
        """The steps as they are told, with references to other steps following them."""
        order = sorted(range(len(self.steps)), key=lambda n: (self.told[n], n))
        place = {n: where for where, n in enumerate(order)}
        return [{**step, "step": place[step["step"]]} if "step" in step else step for step in (self.steps[n] for n in order)]

    def earn(self, day, time_of_day, user, action, reference, evidence=None, unit=None, told=None):
        body = {"user_id": user, "action_type": action, "reference_id": reference}
        if unit:
            body["unit_id"] = unit
        if evidence:
            body["evidence"] = evidence
        return self.add("earn", day, time_of_day, told=told, **body)

    def progress(self, day, time_of_day, user, unit, percentage, told=None):
        return self.add("progress", day, time_of_day, told=told, user_id=user, unit_id=unit, progress_percentage=percentage)


def steps():
    s = Steps()
    r = s.random
    # Ordinary lessons: everybody reads, works through units and does quizzes, with skill and pace of their own.
    skill = {u: r.uniform(0.3, 0.95) for u in STUDENTS}
    pace = {u: r.choice([12, 20, 34]) for u in STUDENTS}
    skill[1], pace[1] = 1.0, 50
    level = {}
    for day in range(0, DAYS - 1):
        for user in STUDENTS:
            if day % 7 in (5, 6) or (user != 1 and r.random() < 0.35):
                continue
            minute = r.randrange(0, 300)
            units = [n for n in UNITS if user == 12 or (UNITS[n][0] == MATHS and user < 10) or (UNITS[n][0] == SCIENCE and user in (1, 2, 3, 10, 11))]
            begun = [n for n in units if level.get((user, n), 0) < 100]
            if not begun:
                continue
            unit = begun[0]
            at = lambda more: f"{8 + (minute + more) // 60:02}:{(minute + more) % 60:02}:{r.randrange(60):02}.{r.randrange(1000):03}"
            if level.get((user, unit), 0) == 0:
                s.earn(day, at(0), user, "read_content", unit)
            level[user, unit] = min(100, level.get((user, unit), 0) + pace[user])
            s.progress(day, at(4), user, unit, level[user, unit])
            quiz = unit * 100 + day
            score = 1.0 if user == 1 else round(min(1.0, max(0.0, r.gauss(skill[user], 0.15))), 2)
            duration = 40_000 + 500 * user if user == 1 else r.randrange(60_000, 400_000)
            s.earn(day, at(9), user, "complete_quiz", quiz, {"score": score, "duration_ms": duration}, unit)
            # A quiz that everybody takes on a day, so that it gets a par time of its own.
            s.earn(day, at(50), user, "complete_quiz", 9_000 + day % 3, {"score": score, "duration_ms": duration + 10 * day})
    # A champion's quizzes, each taken by five others before: perfect and fast.
    for quiz in range(9_100, 9_112):
        day = 14 + quiz % 3
        for user in (4, 5, 6, 7, 8):
            s.earn(day, f"15:{quiz % 60:02}:{user:02}.000", user, "complete_quiz", quiz,
                   {"score": round(r.uniform(0.2, 0.95), 2), "duration_ms": r.randrange(90_000, 200_000)})
        s.earn(day, f"16:{quiz % 60:02}:00.000", 1, "complete_quiz", quiz, {"score": 1, "duration_ms": 50_000})
    # Resources: gold for Noor, silver for Emil, bronze for Mila; rated and read by others. Their own reading and rating counts for nothing.
    owners = [(1, 10, 0.95), (2, 6, 0.85), (5, 1, 0.8), (6, 2, 0.4)]
    for owner, count, quality in owners:
        for number in range(count):
            reference = 50_000 + owner * 100 + number
            s.earn(1 + number, f"14:00:{owner:02}.000", owner, "contribute_resource", reference, {"quality": quality})
    for owner, count, _ in owners:
        readers = [u for u in STUDENTS if u != owner]
        wanted = {1: 33, 2: 12, 5: 3, 6: 2}[owner]
        pairs = [(u, n) for n in range(count) for u in readers]
        for u, number in pairs[:wanted]:
            reference = 50_000 + owner * 100 + number
            resource = {"user_id": owner, "reference_id": reference}
            s.earn(11 + number % 5, f"17:{number:02}:{u:02}.000", u, "read_content", reference, {"resource": resource})
            if number < 3:
                rating = {1: 5, 2: 4, 5: 3, 6: 2}[owner]
                s.earn(11 + number % 5, f"18:{number:02}:{u:02}.000", u, "community_feedback", reference, {"resource": resource, "rating": rating})
        own = {"user_id": owner, "reference_id": 50_000 + owner * 100}
        s.earn(12, f"19:00:{owner:02}.000", owner, "community_feedback", 50_000 + owner * 100, {"resource": own, "rating": 5})
    # Teams achieve things; Juri changes teams in between, and one achievement names a person of the team.
    for number in range(10):
        s.earn(2 + number, "13:00:00.000", 1, "team_achievement", 7_000 + number, {"team_id": 11})
    s.add("leave", 12, "13:10:00.000", team_id=11, user_id=4)
    s.add("join", 12, "13:11:00.000", team_id=12, user_id=4)
    for number in range(3):
        s.earn(12 + number, "13:20:00.000", 6, "team_achievement", 7_100 + number, {"team_id": 12})
    # Refused: a repeat, and a repeat of the repeat; another day another receipt.
    again = next(i for i, step in enumerate(s.steps) if step["do"] == "earn" and step["user_id"] == 2)
    first = s.steps[again]
    for day, time_of_day in ((13, "20:00:00.000"), (13, "20:00:30.000"), (14, "20:00:00.000")):
        s.earn(day, time_of_day, first["user_id"], first["action_type"], first["reference_id"], first.get("evidence"), first.get("unit_id"))
    # Taken back, and given again: quizzes and a resource.
    quizzes = [i for i, step in enumerate(s.steps) if step["do"] == "earn" and step["action_type"] == "complete_quiz" and step["user_id"] in (2, 3)]
    for place in (3, 8, 11):
        s.add("reverse", 15, f"20:10:{place:02}.000", step=quizzes[place], reason="entered by mistake")
    s.add("reinstate", 15, "20:20:00.000", step=quizzes[8], reason="was right after all")
    # Late entries: something that happened on day 3 is told on day 15, in the middle of a run of good results.
    s.earn(3, "21:00:00.000", 3, "complete_quiz", 8_001, {"score": 0.1}, told=(15, "21:00:00.000"))
    s.progress(4, "21:00:00.000", 3, 104, 40, told=(15, "21:00:01.000"))
    s.progress(3, "21:00:00.000", 3, 104, 30, told=(15, "21:00:02.000"))
    # Today, within its first minutes: there is something on the board of the day.
    for place, user in enumerate((7, 8, 7, 9, 3)):
        s.earn(DAYS - 1, f"00:00:{place:02}.000", user, "complete_quiz", 6_000 + place, {"score": 0.9, "duration_ms": 80_000})
    # By hand, which is always now: one is taken back.
    s.add("award", DAYS - 1, "00:04:00.000", by=901, user_id=2, points=40, reason="explained it to everybody")
    hand = s.add("award", DAYS - 1, "00:04:00.000", by=902, user_id=9, points=25, reason="helped")
    s.add("award", DAYS - 1, "00:04:00.000", by=None, user_id=10, points=100, reason="science fair")
    s.add("reverse", DAYS - 1, "00:04:00.000", step=hand, reason="the wrong person")
    return s.in_order()


if __name__ == "__main__":
    here = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    (here / "roster.json").write_text(json.dumps(roster(), indent=1) + "\n")
    (here / "steps.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps()))
