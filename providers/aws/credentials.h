/* How AWS credentials are found: as botocore does, in its order, so that what
 * works for `aws` works here.  docs/aws-credentials.md tells operators.
 *
 *   environment, profile with role_arn, web identity, credentials file,
 *   credential_process, config file, container endpoint, IMDSv2
 *
 * Of a binding's config these count: "profile" (named by the operator: the
 * environment's keys are then not looked at), "region", "sts-endpoint",
 * "ca-file".  All of it may block: worker threads only. */

#ifndef BOOTMEND_AWS_CREDENTIALS_H
#define BOOTMEND_AWS_CREDENTIALS_H

#include <base/clock.h>
#include <providers/credentials.h>
#include <providers/provider.h>

/* provider->authenticate.  There is one audience: it is ignored.
 *
 * ERR_AUTH for everything that a repetition doesn't mend: one message that says
 * what was tried and what to do.  ERR_TRANSIENT, ERR_THROTTLED, ERR_TIMEOUT: a
 * service that should know did not answer. */
struct credentials *aws_authenticate (const struct binding *b,
                                      const char *audience,
                                      struct err **err) ATTR_USE;

/* The region of a binding that names none: AWS_REGION, AWS_DEFAULT_REGION, the
 * profile's, this instance's own.  ERR_USAGE if there is none or it can't be
 * one. */
char *aws_region (const struct binding *b, struct err **err) ATTR_USE;

/* PEM file to trust besides the system's: AWS_CA_BUNDLE or the profile's
 * ca_bundle; NULL if neither is set. */
char *aws_ca_file (const struct binding *b);

/* What lies around, for tests. */
struct aws_surroundings {
  const char *(*variable) (void *opaque, const char *name); /* getenv */
  void *opaque;
  const struct clock *clock;
  struct transport *transport; /* NULL: libcurl; borrowed */
};

struct credentials *aws_authenticate_in (const struct aws_surroundings *around,
                                         const struct binding *b,
                                         struct err **err) ATTR_USE;
char *aws_region_in (const struct aws_surroundings *around,
                     const struct binding *b, struct err **err) ATTR_USE;

#endif
