/* libvirt's errors as ours.
 *
 * libvirt keeps the last error of each thread; a failed call is followed by
 *
 *   return virt_err (err, "%s: start", name);
 *
 * in the same thread.  The code says what the engine should do about it. */

#ifndef BOOTMEND_LIBVIRT_ERRORS_H
#define BOOTMEND_LIBVIRT_ERRORS_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <base/err.h>

/* Sets *err from this thread's last libvirt error; returns -1.  A macro,
 * because every libvirt function forgets the error of the one before, and the
 * likely argument is virDomainGetName. */
#define virt_err(err, ...)                                                     \
  __extension__({                                                              \
    virErrorPtr saved_ = virSaveLastError ();                                  \
    virt_err_from ((err), saved_, __VA_ARGS__);                                \
  })
int virt_err_from (struct err **err, virErrorPtr error_taken, const char *fmt,
                   ...) ATTR_PRINTF (3, 4);

/* The code for a libvirt error, its domain (VIR_FROM_*) and its text, which is
 * all there is for a lock that is not free. */
enum err_code virt_err_code (int number, int from, const char *text);

#endif
