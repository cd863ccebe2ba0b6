/* JSON in the C strings of tests, where ' stands for ". */

#ifndef BOOTMEND_TEST_QUOTED_H
#define BOOTMEND_TEST_QUOTED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/json.h>
#include <base/mem.h>

/* To be freed. */
static inline char *
quoted (const char *text)
{
  char *copy = xstrdup (text);

  for (char *p = copy; *p; p++)
    if (*p == '\'')
      *p = '"';
  return copy;
}

/* A new reference; text that is no JSON is a mistake of the test and ends it.
 */
static inline json_t *
quoted_json (const char *text)
{
  CLEANUP_FREE char *copy = quoted (text);
  CLEANUP_ERR struct err *err = NULL;
  json_t *json = json_parse (copy, strlen (copy), "test", &err);

  if (json == NULL) {
    fprintf (stderr, "%s: %s\n", copy, err->msg);
    abort ();
  }
  return json;
}

#endif
