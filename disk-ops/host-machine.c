#include "host-machine.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <base/files.h>
#include <base/text.h>

#define UUID_LEN 36

const char *
host_machine_folder (void)
{
  const char *own = getenv ("BOOTMEND_DMI_DIR");

  return own ? own : "/sys/class/dmi/id";
}

static bool
is_uuid (const char *text)
{
  for (size_t i = 0; i < UUID_LEN; i++)
    if (i == 8 || i == 13 || i == 18 || i == 23
            ? text[i] != '-'
            : !isxdigit ((unsigned char)text[i]))
      return false;
  return text[UUID_LEN] == '\0';
}

/* The bytes of the first three fields the other way round. */
static void
swap_fields (const char *uuid, char *swapped)
{
  static const struct {
    size_t at, bytes;
  } fields[] = {{0, 4}, {9, 2}, {14, 2}};

  memcpy (swapped, uuid, UUID_LEN + 1);
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
    for (size_t j = 0; j < fields[i].bytes; j++)
      memcpy (swapped + fields[i].at + 2 * j,
              uuid + fields[i].at + 2 * (fields[i].bytes - 1 - j), 2);
}

enum host_machine
host_machine_is (const char *folder, const char *uuid, char **why)
{
  CLEANUP_FREE char *path = path_join (folder, "product_uuid");
  CLEANUP_FREE char *text = NULL, *shown = NULL;
  CLEANUP_ERR struct err *err = NULL;
  char swapped[UUID_LEN + 1];
  size_t len;

  if (file_read (path, 256, &text, &len, &err) == -1) {
    *why = xasprintf ("its UUID can't be read: %s", err->msg);
    return MACHINE_UNKNOWN;
  }
  text[strcspn (text, "\n")] = '\0';
  shown = text_printable (text);
  if (!is_uuid (text)) {
    *why = xasprintf ("its UUID is none: \"%s\"", shown);
    return MACHINE_UNKNOWN;
  }
  *why = xasprintf ("its UUID is %s", shown);
  swap_fields (text, swapped);
  return strcasecmp (text, uuid) == 0 || strcasecmp (swapped, uuid) == 0
             ? MACHINE_SAME
             : MACHINE_OTHER;
}
