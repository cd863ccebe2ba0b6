#include "output.h"

#include <errno.h>
#include <stdio.h>

json_t *
output_object (const char *kind, json_t *fields_taken)
{
  json_t *object = json_object ();

  json_put_int (object, "bootmend", OUTPUT_VERSION);
  json_put_str (object, "kind", kind);
  if (fields_taken)
    json_object_update_missing (object, fields_taken);
  json_decref (fields_taken);
  return object;
}

void
output_whole (const json_t *object)
{
  CLEANUP_FREE char *text = json_text_pretty (object);

  printf ("%s\n", text);
}

void
output_json (const char *kind, json_t *fields_taken)
{
  CLEANUP_JSON json_t *object = output_object (kind, fields_taken);

  output_whole (object);
}

int
output_close (struct err **err)
{
  int failed = ferror (stdout), e = 0;

  if (fflush (stdout) != 0) {
    failed = 1;
    e = errno;
  }
  /* Some file systems only say at close that they have no room. */
  if (fclose (stdout) != 0 && errno != EBADF) {
    failed = 1;
    e = e ? e : errno;
  }
  if (!failed || e == EPIPE)
    return 0;
  return err_set_errno (err, e ? e : EIO, "stdout");
}
