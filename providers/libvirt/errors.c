#include "errors.h"

#include <string.h>

#include <base/text.h>

static const struct {
  int number;
  enum err_code code;
} codes[] = {
    {VIR_ERR_NO_DOMAIN, ERR_NOT_FOUND},
    {VIR_ERR_NO_STORAGE_POOL, ERR_NOT_FOUND},
    {VIR_ERR_NO_STORAGE_VOL, ERR_NOT_FOUND},
    {VIR_ERR_NO_DOMAIN_METADATA, ERR_NOT_FOUND},
    {VIR_ERR_NO_DOMAIN_SNAPSHOT, ERR_NOT_FOUND},
    {VIR_ERR_DEVICE_MISSING, ERR_NOT_FOUND},
    /* The domain's state does not allow it: already off, already running. */
    {VIR_ERR_OPERATION_INVALID, ERR_CONFLICT},
    {VIR_ERR_RESOURCE_BUSY, ERR_CONFLICT},
    {VIR_ERR_BLOCK_COPY_ACTIVE, ERR_CONFLICT},
    {VIR_ERR_DOM_EXIST, ERR_CONFLICT},
    {VIR_ERR_AUTH_FAILED, ERR_AUTH},
    {VIR_ERR_AUTH_CANCELLED, ERR_AUTH},
    {VIR_ERR_AUTH_UNAVAILABLE, ERR_AUTH},
    {VIR_ERR_ACCESS_DENIED, ERR_DENIED},
    {VIR_ERR_OPERATION_DENIED, ERR_DENIED},
    {VIR_ERR_OPERATION_TIMEOUT, ERR_TRANSIENT},
    {VIR_ERR_AGENT_UNRESPONSIVE, ERR_TRANSIENT},
    {VIR_ERR_AGENT_UNSYNCED, ERR_TRANSIENT},
    {VIR_ERR_OPERATION_ABORTED, ERR_TRANSIENT},
    {VIR_ERR_RPC, ERR_TRANSIENT},
    {VIR_ERR_NO_CONNECT, ERR_USAGE},
    {VIR_ERR_INVALID_CONN, ERR_TRANSIENT},
    {VIR_ERR_SSH, ERR_TRANSIENT},
    {VIR_ERR_LIBSSH, ERR_TRANSIENT},
    {VIR_ERR_GNUTLS_ERROR, ERR_TRANSIENT},
    {VIR_ERR_NO_SUPPORT, ERR_REFUSED},
    {VIR_ERR_CONFIG_UNSUPPORTED, ERR_REFUSED},
    {VIR_ERR_OPERATION_UNSUPPORTED, ERR_REFUSED},
    {VIR_ERR_ARGUMENT_UNSUPPORTED, ERR_REFUSED},
    {VIR_ERR_XML_ERROR, ERR_INPUT},
    {VIR_ERR_XML_DETAIL, ERR_INPUT},
    {VIR_ERR_INVALID_ARG, ERR_INTERNAL},
};

/* A lock that is not free has no number of its own: QEMU's refusal (file-posix
 * image locking) comes back as the last words of a process that ended. */
static bool
is_lock_text (const char *text)
{
  return strstr (text, "\"write\" lock") ||
         strstr (text, "\"consistent read\" lock") ||
         strstr (text, "Is another process using the image") ||
         strstr (text, "Failed to lock byte") ||
         strstr (text, "resource is locked");
}

enum err_code
virt_err_code (int number, int from, const char *text)
{
  if (text && is_lock_text (text))
    return ERR_CONFLICT;
  for (size_t i = 0; i < ARRAY_SIZE (codes); i++)
    if (codes[i].number == number)
      return codes[i].code;
  /* The socket broke or is not there: the daemon is away for now. */
  if (from == VIR_FROM_RPC || from == VIR_FROM_REMOTE ||
      from == VIR_FROM_THREAD)
    return ERR_TRANSIENT;
  if (text && (strstr (text, "client socket is closed") ||
               strstr (text, "End of file while reading data") ||
               strstr (text, "Cannot recv data") ||
               strstr (text, "Failed to connect socket")))
    return ERR_TRANSIENT;
  return ERR_IO;
}

/* One line: QEMU's messages have several. */
static char *
one_line (const char *text)
{
  CLEANUP_FREE char *copy = xstrdup (text);
  size_t len = strlen (copy);

  while (len && copy[len - 1] == '\n')
    copy[--len] = '\0';
  for (char *p = copy; *p; p++)
    if (*p == '\n' || *p == '\r' || *p == '\t')
      *p = ' ';
  return text_printable (copy);
}

int
virt_err_from (struct err **err, virErrorPtr error_taken, const char *fmt, ...)
{
  virErrorPtr last = error_taken;
  const char *text = last && last->message ? last->message : "no reason given";
  CLEANUP_FREE char *line = one_line (text);
  CLEANUP_FREE char *what = NULL;
  enum err_code code =
      last ? virt_err_code (last->code, last->domain, text) : ERR_INTERNAL;
  va_list args;

  va_start (args, fmt);
  what = xvasprintf (fmt, args);
  va_end (args);
  if (last)
    virFreeError (last);
  return err_set (err, code, "%s: %s", what, line);
}
