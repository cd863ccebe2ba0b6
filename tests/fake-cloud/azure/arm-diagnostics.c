/* Boot diagnostics: addresses with their own permission (SAS), and the blobs
 * behind them, with ranges as a storage account answers them. */

#include "arm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_enabled (const struct fake_object *vm)
{
  return json_bool (vm->body,
                    "properties.diagnosticsProfile.bootDiagnostics.enabled",
                    false);
}

/* ".../bootdiagnostics-NAME-VMID/NAME.VMID.FILE?sv=..&sig=..": base is the
 * request's, because the fake serves it itself. */
static char *
sas (struct fake_call *call, struct fake_object *vm, const char *file)
{
  CLEANUP_FREE char *base = arm_base (call);
  CLEANUP_FREE char *signature = fake_random_hex (call->cloud, 32);
  const char *id = json_str (vm->body, "properties.vmId", "");

  if (json_object_get (vm->body, "_sas") == NULL)
    json_put_str (vm->body, "_sas", signature);
  return xasprintf ("%s/bootdiagnostics-%s-%s/%s.%s.%s?sv=2018-03-28&sr=b&sp=r&"
                    "sig=%s",
                    base, arm_name (vm), id, arm_name (vm), id, file,
                    json_str (vm->body, "_sas", ""));
}

static int
retrieve (struct fake_call *call)
{
  struct fake_object *vm = arm_subject (call, "vm");
  CLEANUP_FREE char *screen = NULL, *log = NULL;

  if (vm == NULL)
    return -1;
  if (!is_enabled (vm)) /* code and status are (unverified) */
    return arm_fail (call, 409, "OperationNotAllowed",
                     "Boot diagnostics is not enabled on VM '%s'.",
                     arm_name (vm));
  screen = sas (call, vm, "screenshot.bmp");
  log = sas (call, vm, "serialconsole.log");
  return arm_reply (call, 200,
                    json_make ("{s:s,s:s}", "consoleScreenshotBlobUri", screen,
                               "serialConsoleLogBlobUri", log));
}

/* ---- blobs ---- */

static int
blob_fail (struct fake_call *call, int status, const char *code)
{
  arm_header (call, "x-ms-error-code", "%s", code);
  fake_reply_text (call, status, "application/xml",
                   xasprintf ("\xef\xbb\xbf<?xml version=\"1.0\" encoding="
                              "\"utf-8\"?><Error><Code>%s</Code><Message>%s"
                              "</Message></Error>",
                              code, code));
  fake_result (call, code);
  return -1;
}

static struct fake_object *
vm_of (struct fake_call *call)
{
  const char *file = arm_part (call, "file");

  for (size_t i = 0; i < call->cloud->objects.len; i++) {
    struct fake_object *vm = call->cloud->objects.ptr[i];
    const char *id = json_str (vm->body, "properties.vmId", "-");

    if (!vm->gone && strcmp (vm->kind, "vm") == 0 && strstr (file, id))
      return vm;
  }
  return NULL;
}

/* "bytes=A-B"; false: it fits nothing. */
static bool
read_range (const struct fake_call *call, size_t len, size_t *from, size_t *to)
{
  const char *text = http_header_get (&call->req->headers, "x-ms-range");
  unsigned long long a = 0, b = len ? len - 1 : 0;

  if (text == NULL)
    text = http_header_get (&call->req->headers, "Range");
  if (text && sscanf (text, "bytes=%llu-%llu", &a, &b) < 1)
    return false;
  *from = (size_t)a;
  *to = b < len ? (size_t)b : len - 1;
  return a < len && a <= b;
}

static int
send_blob (struct fake_call *call, const char *data, size_t len)
{
  struct http_reply *reply = call->reply;
  bool part = http_header_get (&call->req->headers, "x-ms-range") ||
              http_header_get (&call->req->headers, "Range");
  size_t from = 0, to = 0;

  if ((part || len) && !read_range (call, len, &from, &to))
    return blob_fail (call, 416, "InvalidRange");
  arm_header (call, "x-ms-blob-type", "PageBlob");
  arm_header (call, "Content-Type", "application/octet-stream");
  if (part)
    arm_header (call, "Content-Range", "bytes %zu-%zu/%zu", from, to, len);
  reply->status = part ? 206 : 200;
  reply->body_len = len ? to - from + 1 : 0;
  reply->body = xmalloc (reply->body_len + 1);
  memcpy (reply->body, data + from, reply->body_len);
  reply->body[reply->body_len] = '\0';
  return 0;
}

static void
put_number (unsigned char *at, unsigned value)
{
  for (unsigned i = 0; i < 4; i++)
    at[i] = (unsigned char)(value >> (8 * i));
}

/* 64 by 48, of one colour: blue for a stop, grey for a desktop. */
static int
send_screen (struct fake_call *call, bool boots)
{
  enum {
    WIDTH = 64,
    HEIGHT = 48,
    HEAD = 54
  };
  unsigned char bmp[HEAD + WIDTH * HEIGHT * 3] = "BM";

  put_number (bmp + 2, sizeof bmp);
  put_number (bmp + 10, HEAD);
  put_number (bmp + 14, 40);
  put_number (bmp + 18, WIDTH);
  put_number (bmp + 22, HEIGHT);
  bmp[26] = 1;
  bmp[28] = 24;
  put_number (bmp + 34, WIDTH * HEIGHT * 3);
  for (size_t i = HEAD; i < sizeof bmp; i += 3) {
    bmp[i] = boots ? 0xd0 : 0xd7;
    bmp[i + 1] = boots ? 0xd0 : 0x78;
    bmp[i + 2] = boots ? 0xd0 : 0x00;
  }
  return send_blob (call, (const char *)bmp, sizeof bmp);
}

static int
get_blob (struct fake_call *call)
{
  const struct fake_object *vm = vm_of (call);
  const char *file = arm_part (call, "file");
  const char *signature = arm_query (call, "sig"), *console;

  if (http_header_get (&call->req->headers, "Authorization"))
    return blob_fail (call, 400, "InvalidAuthenticationInfo");
  if (vm == NULL)
    return blob_fail (call, 404, "ContainerNotFound");
  if (signature == NULL ||
      strcmp (signature, json_str (vm->body, "_sas", "-")) != 0)
    return blob_fail (call, 403, "AuthenticationFailed");
  if (strstr (file, ".screenshot.bmp"))
    return send_screen (call, json_bool (vm->body, "_boots", false));
  console = json_str (vm->body, "_console", "");
  return send_blob (call, console, strlen (console));
}

const struct arm_route arm_diagnostics_routes[] = {
    {"POST",
     "/subscriptions/{sub}/resourceGroups/{group}/providers/Microsoft.Compute/"
     "virtualMachines/{vm}/retrieveBootDiagnosticsData",
     "compute", "virtualMachines/retrieveBootDiagnosticsData",
     "Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action",
     "LowCostGet", "sasUriExpirationTimeInMinutes", 0, retrieve},
    {"GET", "/{container}/{file}", "blob", "blob/read", NULL, NULL, NULL,
     ARM_OPEN, get_blob},
    {0},
};
