# -------- estimate/: what `kymo syscalls --estimate` makes of slices, against loads whose every call is known --------
kymo_test(NAME estimate/bounds LABEL estimate TIMEOUT 600
          COMMAND ${PYTHON3} ${TESTS}/estimate/bounds.py $<TARGET_FILE:kymo> ${TESTS}/golden/1.2/type-offcpu.kymo)
