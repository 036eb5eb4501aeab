//! Checksums that clients send along with bodies.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The names of the headers, without `x-amz-checksum-`.
pub(crate) const ALGORITHMS: [&str; 5] = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"];

/// The checksum of some bytes, as it stands in headers; nothing if the algorithm is unknown.
pub(crate) fn checksum(algorithm: &str, bytes: &[u8]) -> Option<String> {
    let raw = match algorithm {
        "crc32" => crc(bytes, 32, 0xEDB8_8320),
        "crc32c" => crc(bytes, 32, 0x82F6_3B78),
        "crc64nvme" => crc(bytes, 64, 0x9A6C_9329_AC4B_C9B5),
        "sha1" => digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec(),
        "sha256" => digest::digest(&digest::SHA256, bytes).as_ref().to_vec(),
        _ => return None,
    };
    Some(BASE64_STANDARD.encode(raw))
}

/// A reflected cyclic redundancy check of some bits.
fn crc(bytes: &[u8], bits: usize, polynomial: u64) -> Vec<u8> {
    let table: [u64; 256] = std::array::from_fn(|index| {
        let start = u64::try_from(index).unwrap_or_default();
        (0..8).fold(start, |crc, _| if crc & 1 == 1 { (crc >> 1) ^ polynomial } else { crc >> 1 })
    });
    let ones = u64::MAX >> (64 - bits);
    let crc = bytes.iter().fold(ones, |crc, byte| {
        let low = usize::from(crc.to_le_bytes()[0] ^ byte);
        table[low] ^ (crc >> 8)
    });
    (crc ^ ones).to_be_bytes()[8 - bits / 8..].to_vec()
}

/// MD5, which nothing else here offers: `Content-MD5` and `ETag` are made of it (RFC 1321).
pub(crate) fn md5(bytes: &[u8]) -> [u8; 16] {
    const SHIFTS: [[u32; 4]; 4] =
        [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the constants are defined as the whole part of a sine, below 2^32"
    )]
    let sines: [u32; 64] =
        std::array::from_fn(|i| (((i + 1) as f64).sin().abs() * 4_294_967_296.0) as u32);
    let mut message = bytes.to_vec();
    message.push(0x80);
    message.resize(message.len().next_multiple_of(64), 0);
    if message.len() - bytes.len() < 9 {
        message.resize(message.len() + 64, 0);
    }
    let length = u64::try_from(bytes.len()).unwrap_or_default().wrapping_mul(8).to_le_bytes();
    let end = message.len() - 8;
    message[end..].copy_from_slice(&length);

    let mut state: [u32; 4] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476];
    for block in message.chunks_exact(64) {
        let words: [u32; 16] = std::array::from_fn(|i| {
            u32::from_le_bytes([block[4 * i], block[4 * i + 1], block[4 * i + 2], block[4 * i + 3]])
        });
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64 {
            let (mixed, word) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), (7 * i) % 16),
            };
            let sum = a.wrapping_add(mixed).wrapping_add(sines[i]).wrapping_add(words[word]);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(SHIFTS[i / 16][i % 4]));
        }
        for (old, new) in state.iter_mut().zip([a, b, c, d]) {
            *old = old.wrapping_add(new);
        }
    }
    let mut out = [0; 16];
    for (bytes, word) in out.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::sigv4::hex;

    #[test]
    fn checksums_are_those_of_their_catalogues() {
        let check = |algorithm: &str| {
            let value = checksum(algorithm, b"123456789").unwrap();
            hex(&BASE64_STANDARD.decode(value).unwrap())
        };
        assert_eq!(check("crc32"), "cbf43926");
        assert_eq!(check("crc32c"), "e3069283");
        assert_eq!(check("crc64nvme"), "ae8b14860a799888");
        assert_eq!(check("sha1"), "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
        assert_eq!(checksum("crc16", b""), None);
    }

    #[test]
    fn md5_is_that_of_its_rfc() {
        assert_eq!(hex(&md5(b"")), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hex(&md5(b"message digest")), "f96b697d7cb7938d525a2f31aaf161d0");
        let digits = b"1234567890".repeat(8);
        assert_eq!(hex(&md5(&digits)), "57edf4a22be3c955ac49da2e2107b67a");
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        assert_eq!(hex(&md5(letters)), "d174ab98d277d9f5a5611c2c9f419d9f");
    }
}
