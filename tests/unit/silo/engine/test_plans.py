from silo import engine


def test_levels_are_ordered_from_the_weakest():
    strengths = [level.strength for level in engine.Level]

    assert strengths == sorted(strengths)
    assert engine.Level.PROCESS.strength < engine.Level.SANDBOX.strength


def test_a_plan_does_not_show_its_secrets():
    plan = engine.ContainerPlan("c", "busybox", secrets=(("TOKEN", "hunter2"),))
    volume = engine.VolumePlan("v", engine.Secret({"key": b"hunter2"}))

    assert "hunter2" not in f"{plan!r}{volume!r}"
