"""What the synthetic class comes to, by the contract and the published definitions alone: no code is shared with the engine.

    python3 oracle.py [--first-day 2026-03-02] [DIRECTORY]

reads roster.json and steps.jsonl and prints one JSON document. With the default first day that is published.json. Days are UTC.
Definitions: README.md beside this file. Standard library only.
"""

import json
import math
import sys
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path

WORTH = {"read_content": 10, "complete_quiz": 50, "contribute_resource": 25, "community_feedback": 15, "team_achievement": 100}
OF_UNITS = ("read_content", "complete_quiz", "contribute_resource")
# Targets of bronze, silver and gold, by type and criterion.
ASKED = {
    "content_master": {"qualification_completion": (50, 75, 100), "mean_best_score": (0.6, 0.75, 0.9), "resource_quality": (0.5, 0.7, 0.8)},
    "quiz_champion": {"perfect_scores": (1, 5, 10), "fast_completions": (1, 5, 10), "consistent_results": (3, 10, 20)},
    "resource_contributor": {"high_quality_submissions": (1, 5, 10), "usage_by_others": (3, 10, 30), "feedback_rating": (3, 4, 4.5)},
    "team_player": {"participation": (5, 20, 50), "team_achievements": (1, 3, 10), "team_success": (2, 3, 5)},
}
TIERS = ("bronze", "silver", "gold")
KNOWN, LEARN, GUESS, SLIP, PASS = 0.2, 0.15, 0.2, 0.1, 0.6
MINUTE, DAY = 60_000, 86_400_000


def level_of(points):
    level = 1
    while 125 * level * (level + 1) <= points and level < 100:
        level += 1
    return level


def three_digits(number):
    """Rounded down to three significant digits."""
    power = 10 ** max(0, len(str(number)) - 3)
    return number // power * power


def quartile(values, share):
    place = share * (len(values) - 1)
    low, high = values[math.floor(place)], values[math.ceil(place)]
    return low + (high - low) * (place - math.floor(place))


def spread(values):
    values = sorted(values)
    if not values:
        return None
    return {"count": len(values), "mean": sum(values) / len(values), "lower_quartile": quartile(values, 0.25),
            "median": quartile(values, 0.5), "upper_quartile": quartile(values, 0.75)}


def mean(values, nothing=None):
    values = list(values)
    return sum(values) / len(values) if values else nothing


class School:
    def __init__(self, roster, steps, first_day):
        self.steps = steps
        self.day0 = int(datetime.fromisoformat(first_day).replace(tzinfo=timezone.utc).timestamp() * 1000)
        self.students = [u["id"] for u in roster["users"] if u.get("role", "student") == "student"]
        self.units = {u["id"]: u for u in roster["units"]}
        self.courses = {q["id"]: sorted(u["id"] for u in roster["units"] if u["qualification_id"] == q["id"]) for q in roster["qualifications"]}
        self.teams = {t["id"]: set() for t in roster["teams"]}
        for row in roster["team_members"]:
            self.teams[row["team_id"]].add(row["user_id"])
        self.enrolled = defaultdict(set)
        for row in roster["enrolments"]:
            self.enrolled[row["user_id"]].add(row["qualification_id"])
        self.awards = {}  # (user, action, reference) -> award
        self.entries = []  # of the ledger, as recorded
        self.touches = {}  # (user, unit) -> state
        self.facts = []  # what learners did, as recorded
        self.receipts = set()
        self.earned = {}  # (user, type, tier) -> moment
        self.durations = defaultdict(list)  # reference -> durations, as recorded
        self.answers = []
        self.team_facts = defaultdict(set)
        for number, step in enumerate(steps):
            getattr(self, step["do"])(number, step)
            self.unlock(self.at(step))

    def at(self, step):
        day, clock = step["at"]
        hours, minutes, seconds = clock.split(":")
        return self.day0 + day * DAY + (int(hours) * 60 + int(minutes)) * MINUTE + round(float(seconds) * 1000)

    # Steps.
    def earn(self, number, step):
        at, action = self.at(step), step["action_type"]
        evidence = step.get("evidence", {})
        people = [step["user_id"]]
        if action == "team_achievement":
            # Everybody who is a member now, each once; who has it already gets no receipt, but the one who asks.
            people += sorted(self.teams[evidence["team_id"]] - set(people))
            self.team_facts[evidence["team_id"]].add(step["reference_id"])
        unit = step.get("unit_id")
        if unit is None and action in OF_UNITS and step["reference_id"] in self.units:
            unit = step["reference_id"]
        for user in people:
            key = (user, action, step["reference_id"])
            if key in self.awards:
                if user == step["user_id"]:
                    self.receipts.add((*key, "already_awarded", at // DAY))
                continue
            self.award_points(number, key, WORTH[action], at, unit, evidence)

    def award_points(self, number, key, points, at, unit, evidence):
        par = None
        if key[1] == "complete_quiz":
            par = self.par(key[2])
            if "duration_ms" in evidence:
                self.durations[key[2]].append(evidence["duration_ms"])
        qualification = self.units[unit]["qualification_id"] if unit else None
        award = {"step": number, "key": key, "points": points, "at": at, "unit": unit, "qualification": qualification, "evidence": evidence,
                 "counts": True, "was_reversed": False, "place": len(self.entries),
                 "fast": par is not None and evidence.get("duration_ms", math.inf) < par}
        self.awards[key] = award
        self.facts.append((at, key[0], "award", award))
        self.entries.append((key[0], points, at, qualification))

    def par(self, reference):
        earlier = sorted(three_digits(duration) for duration in self.durations[reference])
        return (earlier[(len(earlier) - 1) // 2] + earlier[len(earlier) // 2]) // 2 if len(earlier) >= 5 else None

    def award(self, number, step):
        self.award_points(number, (step["user_id"], "manual_award", number), step["points"], self.at(step), None, {})

    def standing(self, step, counts):
        award = next(a for a in self.awards.values() if a["step"] == step["step"])
        assert award["counts"] != counts and not (award["was_reversed"] and not counts), "the class reverses once"
        award["counts"], award["was_reversed"] = counts, True
        points = award["points"] if counts else -award["points"]
        self.entries.append((award["key"][0], points, award["at"], award["qualification"]))

    def reverse(self, _, step):
        self.standing(step, False)

    def reinstate(self, _, step):
        self.standing(step, True)

    def join(self, _, step):
        self.teams[step["team_id"]].add(step["user_id"])

    def leave(self, _, step):
        self.teams[step["team_id"]].discard(step["user_id"])

    def progress(self, _, step):
        at, wanted, key = self.at(step), step["progress_percentage"], (step["user_id"], step["unit_id"])
        state = self.touches.get(key)
        if state is None:
            state = self.touches[key] = {"percentage": wanted, "last": at, "completed": at if wanted == 100 else None}
        elif wanted <= state["percentage"] and at < state["last"] + MINUTE:
            return
        else:
            state["percentage"] = max(state["percentage"], wanted)
            state["last"] = max(state["last"], at)
            if state["percentage"] == 100 and state["completed"] is None:
                state["completed"] = at
        self.facts.append((at, key[0], "progress", {"unit": key[1], "completed": state["completed"]}))

    # Sums.
    def own(self, user, *actions):
        return [a for a in self.awards.values() if a["key"][0] == user and a["counts"] and (not actions or a["key"][1] in actions)]

    def score(self, of, since=None, until=None):
        """The sum of entries, and when the last one with points happened."""
        chosen = [e for e in self.entries if of(e) and e[1] and (since is None or since <= e[2] < until)]
        return sum(e[1] for e in chosen), chosen[-1][2] if chosen else None

    def total(self, user):
        return sum(e[1] for e in self.entries if e[0] == user)

    def course(self, user):
        return sorted(self.enrolled[user]) or sorted(self.courses)

    def completed(self, user, units):
        return [self.touches[user, u]["completed"] for u in units if self.touches.get((user, u), {}).get("completed") is not None]

    # Achievements.
    def measures(self, user):
        quizzes = sorted((a for a in self.own(user, "complete_quiz") if "score" in a["evidence"]), key=lambda a: (a["at"], a["place"]))
        scores = [a["evidence"]["score"] for a in quizzes]
        run = longest = 0
        for score in scores:
            run = run + 1 if score >= 0.8 else 0
            longest = max(longest, run)
        qualities = [a["evidence"]["quality"] for a in self.own(user, "contribute_resource") if "quality" in a["evidence"]]
        others = [a for a in self.awards.values() if a["counts"] and a["key"][0] != user and a["evidence"].get("resource", {}).get("user_id") == user]
        ratings = [a["evidence"]["rating"] for a in others if a["key"][1] == "community_feedback" and "rating" in a["evidence"]]
        teams = [sum(self.total(m) for m in members) / len(members) for members in self.teams.values() if user in members]
        return {
            "qualification_completion": max(100 * len(self.completed(user, self.courses[q])) / len(self.courses[q]) for q in self.course(user)),
            "mean_best_score": mean(scores, 0.0),
            "resource_quality": mean(qualities, 0.0),
            "perfect_scores": sum(s == 1 for s in scores),
            "fast_completions": sum(a["fast"] for a in self.own(user, "complete_quiz")),
            "consistent_results": longest,
            "high_quality_submissions": sum(q >= 0.8 for q in qualities),
            "usage_by_others": sum(a["key"][1] == "read_content" for a in others),
            "feedback_rating": mean(ratings, 0.0),
            "participation": len([a for a in self.own(user) if a["key"][1] != "manual_award"]),
            "team_achievements": len(self.own(user, "team_achievement")),
            "team_success": max((level_of(points) for points in teams), default=0),
        }

    def unlock(self, at):
        for user in self.students:
            stands = None
            for kind, criteria in ASKED.items():
                for place, tier in enumerate(TIERS):
                    if (user, kind, tier) in self.earned:
                        continue
                    stands = stands or self.measures(user)
                    if all(stands[key] >= targets[place] - 1e-12 for key, targets in criteria.items()):
                        self.earned[user, kind, tier] = at

    # Skills.
    def skills(self, user):
        units = [u for q in self.course(user) for u in self.courses[q]]
        seen = []
        for a in self.own(user, "complete_quiz"):
            if a["unit"] and "score" in a["evidence"]:
                seen.append((a["at"], 0, a["key"][2], a["unit"], a["evidence"]["score"] >= PASS))
        for unit in units:
            done = self.touches.get((user, unit), {}).get("completed")
            if done is not None:
                seen.append((done, 1, unit, unit, None))
        found = {}
        for skill in sorted({s for u in units for s in self.units[u]["skills"]}):
            known = KNOWN
            for _, _, _, unit, right in sorted(seen, key=lambda one: one[:3]):
                if unit not in units or skill not in self.units[unit]["skills"]:
                    continue
                if right is True:
                    known = known * (1 - SLIP) / (known * (1 - SLIP) + (1 - known) * GUESS)
                elif right is False:
                    known = known * SLIP / (known * SLIP + (1 - known) * (1 - GUESS))
                known += (1 - known) * LEARN
            found[skill] = known
        return found

    # Boards.
    def boards(self, today):
        monday = today - (datetime.fromtimestamp(today / 1000, timezone.utc).weekday()) * DAY
        found = {}
        for period, (since, until) in {"all": (None, None), "day": (today, today + DAY), "week": (monday, monday + 7 * DAY)}.items():
            person = {u: self.score(lambda e: e[0] == u, since, until) for u in self.students}
            found[f"all {period}"] = ranked(person)
            for team, members in self.teams.items():
                found[f"team:{team} {period}"] = ranked({u: person[u] for u in members})
            found[f"teams {period}"] = ranked({t: (sum(person[u][0] for u in m), max((person[u][1] for u in m if person[u][0]), default=None))
                                               for t, m in self.teams.items()})
            for course in self.courses:
                there = {u: self.score(lambda e: e[0] == u and e[3] == course, since, until) for u in self.students}
                # Who is enrolled, and who has points there.
                found[f"qualification:{course} {period}"] = ranked(
                    {u: score for u, score in there.items() if course in self.enrolled[u] or score[1] is not None})
        return found

    def learner(self, user):
        units = [u for q in self.course(user) for u in self.courses[q]]
        stands = self.measures(user)
        return {
            "total": self.total(user), "level": level_of(self.total(user)),
            "entries": sum(e[0] == user for e in self.entries), "refusals": sum(r[0] == user for r in self.receipts),
            "units": {u: [t["percentage"], moment(t["completed"])] for (who, u), t in sorted(self.touches.items()) if who == user},
            "units_completed": len(self.completed(user, units)), "units_total": len(units),
            "qualifications": {q: [len(self.completed(user, self.courses[q])), len(self.courses[q])] for q in self.course(user)},
            "skills": self.skills(user),
            "criteria": {kind: {key: stands[key] for key in criteria} for kind, criteria in ASKED.items()},
            "earned": {kind: {tier: moment(self.earned.get((user, kind, tier))) for tier in TIERS} for kind in ASKED},
        }

    def performance(self, team):
        members = sorted(self.teams[team])
        points = [self.total(u) for u in members]
        people = [self.learner(u) for u in members]
        percentages = [100 * p["units_completed"] / p["units_total"] for p in people]
        skills = defaultdict(list)
        for person in people:
            for skill, mastery in person["skills"].items():
                skills[skill].append(mastery)
        return {"sum": sum(points), "mean": sum(points) / len(points), "adjusted": sum(points) / math.sqrt(len(points)),
                "members": dict(zip(members, zip(points, percentages))), "mean_completion_percentage": mean(percentages),
                "units_completed": sum(p["units_completed"] for p in people), "skills": {s: mean(m) for s, m in sorted(skills.items())},
                "achievements": len(self.team_facts[team])}

    # Analytics, over [since, until) by days.
    def analytics(self, since, until, people, course):
        def about(fact):
            _, user, kind, what = fact
            of = what["qualification"] if kind == "award" else self.units[what["unit"]]["qualification_id"]
            return user in people and (course is None or of == course) and (kind == "progress" or (what["counts"] and what["key"][1] != "manual_award"))

        facts = [f for f in self.facts if about(f) and f[0] < until]
        days = [(start, start + DAY) for start in range(since, until, DAY)]
        inside = lambda fact, day: day[0] <= fact[0] < day[1]
        awards = [f for f in facts if f[2] == "award" and f[0] >= since]
        quizzes = [f for f in awards if f[3]["key"][1] == "complete_quiz" and "score" in f[3]["evidence"]]
        return {"engagement": self.engagement(facts, since, days), "outcomes": self.outcomes(facts, quizzes, since, until, people, course),
                "success": self.success(facts, quizzes, until, days, inside), "resources": self.resources(awards, days, inside)}

    def engagement(self, facts, since, days):
        total = dict.fromkeys(("active", "new", "returning", "sessions", "active_minutes"), 0)
        parts = [dict(total) for _ in days]
        for user in sorted({f[1] for f in facts if f[0] >= since}):
            before = any(f[1] == user and f[0] < since for f in facts)
            times = sorted(f[0] for f in facts if f[1] == user and f[0] >= since)
            total["active"] += 1
            total["returning" if before else "new"] += 1
            total["active_minutes"] += len({t // MINUTE for t in times})
            for part, (start, end) in zip(parts, days):
                there = [t for t in times if start <= t < end]
                if there:
                    part["active"] += 1
                    part["returning" if before or times[0] < start else "new"] += 1
                    part["active_minutes"] += len({t // MINUTE for t in there})
            for place, time in enumerate(times):
                if place == 0 or time - times[place - 1] >= 30 * MINUTE:
                    total["sessions"] += 1
                    next(part for part, (start, end) in zip(parts, days) if start <= time < end)["sessions"] += 1
        return {**total, "buckets": parts}

    def outcomes(self, facts, quizzes, since, until, people, course):
        scores = [f[3]["evidence"]["score"] for f in quizzes]
        bins = [0] * 10
        for score in scores:
            bins[min(9, int(score * 10))] += 1
        ways = self.ways(facts)
        units = {}
        for unit in sorted({u for _, u in ways}):
            begun = [w for (_, u), w in ways.items() if u == unit]
            done = [w for w in begun if w["completed"] is not None]
            times = [w["completed"] - w["begun"] for w in done if since <= w["completed"] < until]
            units[unit] = {"begun": len(begun), "completed": len(done), "completion_rate": len(done) / len(begun),
                           "completed_in_range": len(times), "time_to_completion_ms": spread(times)}
        courses = {}
        for q, of in self.courses.items():
            if course not in (None, q):
                continue
            learners = [u for u in people if q in self.course(u)]
            mine = {u: [ways[u, n] for n in of if (u, n) in ways] for u in learners}
            done = [m for m in mine.values() if len(m) == len(of) and all(w["completed"] is not None for w in m)]
            ends = [(max(w["completed"] for w in m), min(w["begun"] for w in m)) for m in done]
            courses[q] = {"learners": len(learners), "begun": sum(bool(m) for m in mine.values()), "completed": len(done),
                          "completion_rate": len(done) / len(learners) if learners else None,
                          "time_to_completion_ms": spread([end - begun for end, begun in ends if since <= end < until])}
        return {"quizzes": len(scores), "scores": spread(scores), "score_distribution": bins, "units": units, "qualifications": courses}

    def ways(self, facts):
        ways = {}
        for at, user, kind, what in facts:
            if kind == "progress":
                way = ways.setdefault((user, what["unit"]), {"begun": at, "last": at, "completed": None})
                way["begun"], way["last"] = min(way["begun"], at), max(way["last"], at)
                way["completed"] = what["completed"] if way["completed"] is None else way["completed"]
        return ways

    def success(self, facts, quizzes, until, days, inside):
        def part(chosen):
            scores = [f[3]["evidence"]["score"] for f in chosen]
            passed = sum(s >= PASS for s in scores)
            return {"quizzes": len(scores), "passed": passed, "pass_rate": passed / len(scores) if scores else None, "mean_score": mean(scores)}

        ways, items = self.ways(facts), {}
        for reference in sorted({f[3]["key"][2] for f in quizzes}):
            own = [f for f in quizzes if f[3]["key"][2] == reference]
            items[reference] = {**part(own), "difficulty": 1 - part(own)["mean_score"]}
        units = {}
        for unit in sorted({u for _, u in ways}):
            begun = [w for (_, u), w in ways.items() if u == unit]
            dropped = sum(w["completed"] is None and w["last"] < until - 7 * DAY for w in begun)
            units[unit] = {"begun": len(begun), "completed": sum(w["completed"] is not None for w in begun), "dropped": dropped}
        return {**part(quizzes), "buckets": [part([f for f in quizzes if inside(f, day)]) for day in days], "units": units, "items": items}

    def resources(self, awards, days, inside):
        def part(chosen):
            reads = [f for f in chosen if f[3]["key"][1] == "read_content"]
            given = [f for f in chosen if f[3]["key"][1] == "contribute_resource"]
            ratings = [f[3]["evidence"]["rating"] for f in chosen if f[3]["key"][1] == "community_feedback" and "rating" in f[3]["evidence"]]
            return {"reads": len(reads), "readers": len({f[1] for f in reads}), "contributions": len(given),
                    "mean_quality": mean(f[3]["evidence"]["quality"] for f in given if "quality" in f[3]["evidence"]),
                    "ratings": len(ratings), "mean_rating": mean(ratings)}

        return {**part(awards), "buckets": [part([f for f in awards if inside(f, day)]) for day in days]}


def moment(ms):
    if ms is None:
        return None
    at = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=ms)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03}Z"


def ranked(scores):
    """Rows of a board: rank, id, points, and when they were reached."""
    order = sorted(scores.items(), key=lambda one: (-one[1][0], one[1][1] is None, one[1][1] or 0, one[0]))
    return [[1 + sum(other[0] > points for other in scores.values()), who, points, moment(reached)] for who, (points, reached) in order]


def main(arguments):
    first_day = "2026-03-02"
    if arguments[:1] == ["--first-day"]:
        first_day, arguments = arguments[1], arguments[2:]
    here = Path(arguments[0]) if arguments else Path(__file__).parent
    roster = json.loads((here / "roster.json").read_text())
    steps = [json.loads(line) for line in (here / "steps.jsonl").read_text().splitlines()]
    school = School(roster, steps, first_day)
    today = school.day0 + max(step["at"][0] for step in steps) * DAY
    everybody = set(school.students)
    since, middle = school.day0, school.day0 + 7 * DAY
    print(json.dumps({
        "first_day": first_day,
        "learners": {u: school.learner(u) for u in school.students},
        "boards": school.boards(today),
        "teams": {t: school.performance(t) for t in school.teams},
        "analytics": {
            "all": school.analytics(since, today, everybody, None),
            "later": school.analytics(middle, today, everybody, None),
            "team:12": school.analytics(since, today, school.teams[12], None),
            "qualification:22": school.analytics(since, today, everybody, 22),
        },
    }, indent=1))


main(sys.argv[1:])
