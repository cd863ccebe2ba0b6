/* A table of cases as a CUnit program:
 *
 *   static const struct unit_case cases[] = {
 *     { "wraps", test_wraps }, ...
 *   };
 *   UNIT_MAIN ("err", cases)
 */

#ifndef BOOTMEND_UNIT_H
#define BOOTMEND_UNIT_H

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>

struct unit_case {
  const char *name;
  void (*run) (void);
};

static inline int
unit_run (const char *suite_name, const struct unit_case *cases, size_t n)
{
  CU_pSuite suite;
  unsigned failures;

  if (CU_initialize_registry () != CUE_SUCCESS)
    return 1;
  suite = CU_add_suite (suite_name, NULL, NULL);
  if (suite == NULL)
    return 1;
  for (size_t i = 0; i < n; i++)
    if (CU_add_test (suite, cases[i].name, cases[i].run) == NULL)
      return 1;
  CU_basic_set_mode (CU_BRM_VERBOSE);
  CU_basic_run_tests ();
  failures = CU_get_number_of_failures ();
  /* A suite that ran nothing has proven nothing. */
  if (CU_get_number_of_tests_run () != n)
    failures++;
  CU_cleanup_registry ();
  return failures ? 1 : 0;
}

#define UNIT_MAIN(suite_name, cases)                                           \
  int main (void)                                                              \
  {                                                                            \
    return unit_run (suite_name, cases, sizeof cases / sizeof cases[0]);       \
  }

#endif
