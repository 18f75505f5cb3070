# A decoder written from SPEC.md alone must agree with kymo, on the samples and on damaged copies of them
kymo_test(NAME golden/second-decoder LABEL golden TIMEOUT 300
          COMMAND /usr/bin/python3 ${TESTS}/decoder/compare_decoders.py ${captures} --mutate 40 --seed 1)
# SPEC.md has each id, layout and constant of the code
kymo_test(NAME rules/spec LABEL rules COMMAND ${PYTHON3} ${TESTS}/decoder/spec_test.py ${CMAKE_SOURCE_DIR})
