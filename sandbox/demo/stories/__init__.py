"""The stories, told by events that the city's papers have reported; the requests are in our own words."""

from sandbox.demo.stories import at_the_desk, disputed, in_time, late

STORIES = [*in_time.STORIES, *late.STORIES, *disputed.STORIES, *at_the_desk.STORIES]
