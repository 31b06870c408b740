/** What is wrong with a URL or a variable. The message names the part and never repeats a value. */
export class UrlFault extends Error {}

/** What may stand after the `?` of a URL, and the variable that stands in for it. As libpq has them. */
export const parameterVariables: ReadonlyMap<string, string | undefined> = new Map([
  ["host", "PGHOST"],
  ["hostaddr", "PGHOSTADDR"],
  ["port", "PGPORT"],
  ["dbname", "PGDATABASE"],
  ["user", "PGUSER"],
  ["password", "PGPASSWORD"],
  ["passfile", "PGPASSFILE"],
  ["application_name", "PGAPPNAME"],
  ["fallback_application_name", undefined],
  ["options", "PGOPTIONS"],
  ["connect_timeout", "PGCONNECT_TIMEOUT"],
  ["load_balance_hosts", "PGLOADBALANCEHOSTS"],
  ["keepalives", undefined],
  ["keepalives_idle", undefined],
  ["ssl", undefined],
  ["sslmode", "PGSSLMODE"],
  ["sslrootcert", "PGSSLROOTCERT"],
  ["sslcert", "PGSSLCERT"],
  ["sslkey", "PGSSLKEY"],
  ["sslpassword", undefined],
  ["sslcrl", "PGSSLCRL"],
  ["sslnegotiation", "PGSSLNEGOTIATION"],
  ["ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"],
  ["ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"],
  ["channel_binding", "PGCHANNELBINDING"],
  // what follows is accepted where it asks for what happens anyway
  ["target_session_attrs", undefined],
  ["client_encoding", undefined],
  ["gssencmode", undefined],
  ["sslsni", undefined],
  ["sslcompression", undefined],
  ["sslcertmode", undefined],
  ["keepalives_interval", undefined],
  ["keepalives_count", undefined],
  ["tcp_user_timeout", undefined],
  ["uselibpqcompat", undefined],
]);

/** Which values of a parameter ask for what happens anyway: the service needs the primary and UTF-8, and knows no GSS. */
export const fixedParameters: ReadonlyMap<string, RegExp> = new Map([
  ["target_session_attrs", /^(|any|read-write|primary)$/],
  ["client_encoding", /^(|auto|utf-?8|unicode)$/i],
  ["gssencmode", /^(|disable|prefer)$/],
  ["sslsni", /^1?$/],
  ["sslcertmode", /^(|allow)$/],
  ["load_balance_hosts", /^(|disable|random)$/],
]);

/** Parameters of libpq whose meaning cannot be had here, so that leaving them out would mislead. */
export const unsupportedParameters: ReadonlySet<string> = new Set([
  "service",
  "servicefile",
  "replication",
  "require_auth",
  "requirepeer",
  "krbsrvname",
  "gsslib",
  "gssdelegation",
  "sslcrldir",
  "sslkeylogfile",
  "min_protocol_version",
  "max_protocol_version",
  "scram_client_key",
  "scram_server_key",
]);
