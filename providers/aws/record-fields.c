#include "record-fields.h"

#include <stdlib.h>
#include <string.h>

bool
aws_field_flag (const json_t *json, const char *path)
{
  return strcmp (json_str (json, path, "false"), "true") == 0;
}

/* A member of XML as a number, -1 if it is none. */
int64_t
aws_field_number (const json_t *json, const char *path)
{
  const char *text = json_str (json, path, "");

  if (*text < '0' || *text > '9' || strlen (text) > 15)
    return -1;
  return strtoll (text, NULL, 10);
}

void
aws_field_copy (json_t *to, const char *key, const json_t *from,
                const char *path)
{
  const char *text = json_str (from, path, "");

  if (*text)
    json_put_str (to, key, text);
}
