# A decoder written from SPEC.md alone must agree with kymo: on the samples, on the golden captures, on the cases of capture_cases.py and
# on damaged copies (F12)
file(GLOB golden_captures CONFIGURE_DEPENDS ${TESTS}/golden/*/*.kymo)
kymo_test(NAME golden/second-decoder LABEL golden
          COMMAND /usr/bin/python3 ${TESTS}/decoder/compare_decoders.py ${captures} ${golden_captures} --cases --mutate 200 --seed 1)
# What must not be read is refused, by every command (F4)
kymo_test(NAME golden/refuse-newer LABEL golden COMMAND /usr/bin/python3 ${TESTS}/decoder/refuse_newer.py)
# SPEC.md has each id, layout and constant of the code
kymo_test(NAME rules/spec LABEL rules COMMAND ${PYTHON3} ${TESTS}/decoder/spec_test.py ${CMAKE_SOURCE_DIR})
