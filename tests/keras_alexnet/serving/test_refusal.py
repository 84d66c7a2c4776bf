from keras_alexnet.serving.refusal import Refusal, busy


def test_a_reason_is_one_line_without_addresses():
    refusal = Refusal(422, "cannot <_io.BytesIO object at 0x7f12ab> read\n\x1b[31m")
    assert refusal.reason == r"cannot <_io.BytesIO object> read\n\x1b[31m"
    assert str(refusal) == refusal.reason and refusal.headers == {}
    assert len(Refusal(400, "x" * 10_000).reason) == 500


def test_who_may_come_again_is_told_when():
    assert busy("full").status == 503 and busy("full").headers == {"Retry-After": "1"}
