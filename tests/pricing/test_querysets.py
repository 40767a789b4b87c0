"""Observing models: each name one row, whoever asks."""

from pricing.models import Model, Revision


def test_observing_nothing_asks_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert Model.objects.observe([]) == {}


def test_observing_creates_what_is_missing_once(db):
    first = Model.objects.observe(["b", "a", "b"])
    again = Model.objects.observe({"a", "b", "c"})
    assert (
        {name: again[name] for name in first}
        == first
        == dict(Model.objects.filter(name__in="ab").values_list("name", "id"))
    )
    assert list(Model.objects.values_list("name", flat=True)) == ["a", "b", "c"]


def test_observing_moves_no_counter(db):
    Model.objects.observe(["a"])
    assert Revision.current() == 0


def test_a_row_that_another_process_made_meanwhile_is_taken(db, monkeypatch):
    """The other one inserts between our look and our insert."""
    queryset = Model.objects.all()
    look, answers = queryset._ids_of, []

    def look_too_early(names):
        if not answers:
            answers.append(Model.objects.create(name="a"))
            return {}
        return look(names)

    queryset._ids_of = look_too_early
    assert queryset.observe(["a"]) == {"a": answers[0].pk}


def test_many_names_take_one_query(db, django_assert_num_queries):
    names = [f"model-{i:04}" for i in range(1200)]
    ids = Model.objects.observe(names)
    assert (len(ids), Model.objects.count()) == (1200, 1200)
    with django_assert_num_queries(1):
        assert Model.objects.observe(names) == ids
