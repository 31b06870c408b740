/**
 * The bytes of what is kept, in memory of their own. Node gives short ones a part of a block that many share, 64 kB of
 * it, which stays for as long as any of them does.
 */
export function ownBytes(content: string | Buffer): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(content));
  if (typeof content === "string") bytes.write(content);
  else content.copy(bytes);
  return bytes;
}
