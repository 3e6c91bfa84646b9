//! Telephone numbers in E.164.

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("phone number must be a valid number in the form +493012345678")]
pub struct PhoneError;

/// The number in its E.164 form.
pub fn parse(input: &str) -> Result<String, PhoneError> {
    if input.len() > 32 || !input.starts_with('+') || !input.is_ascii() {
        return Err(PhoneError);
    }
    let number = phonenumber::parse(None, input).map_err(|_| PhoneError)?;
    if !phonenumber::is_valid(&number) {
        return Err(PhoneError);
    }
    Ok(number.format().mode(phonenumber::Mode::E164).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_out_as_e164() {
        assert_eq!(parse("+49 30 12345678"), Ok("+493012345678".to_owned()));
        assert_eq!(parse("+14155552671"), Ok("+14155552671".to_owned()));
    }

    #[test]
    fn what_cannot_be_dialled_is_refused() {
        for input in ["", "030 12345678", "+4930", "+999123456789", "phone", "+49\u{660}301234567"]
        {
            assert_eq!(parse(input), Err(PhoneError), "{input:?}");
        }
    }
}
