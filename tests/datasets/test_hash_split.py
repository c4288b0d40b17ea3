import hashlib

from boxable.datasets.hash_split import is_validation


def test_the_rule_is_the_sha1_of_the_id() -> None:
    ids = [f"{number:x}" for number in range(1000)]
    assert [is_validation(image) for image in ids] == [
        int(hashlib.sha1(image.encode()).hexdigest(), 16) % 5 == 0 for image in ids
    ]
    assert 150 < sum(map(is_validation, ids)) < 250
